import { defineConfig } from 'vite';

// `npm run dev` serves the sources while you edit them, beside a server of your own.
const server = process.env['IMPRESARIO_URL'] ?? 'http://127.0.0.1:7979';

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // The server's policy allows no script inside a page, so none is put there.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': {
        target: server,
        changeOrigin: true,
        ws: true,
        // The server accepts changes only from its own pages, and this page comes from vite.
        configure: (proxy) =>
          proxy.on('proxyReq', (request) => {
            request.removeHeader('origin');
            request.removeHeader('sec-fetch-site');
          }),
      },
    },
  },
  test: { include: ['test/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0]);
