// Fails if the bundle has become too large to load at once.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT = 120_000;
const folder = new URL('./dist/assets/', import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, folder))).length, 0);
console.log(`JavaScript: ${(bytes / 1000).toFixed(1)} kB gzipped, ${LIMIT / 1000} kB allowed`);
if (scripts.length === 0 || bytes > LIMIT) process.exit(1);
