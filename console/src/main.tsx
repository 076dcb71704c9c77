import { render } from 'preact';
import { effect } from '@preact/signals';
import { App } from './app.tsx';
import { life } from './connection.ts';
import { restartSocket } from './feed.ts';
import './parts/theme.ts';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';
import './style/pages.css';

effect(() => {
  if (life.value > 0) restartSocket();
});

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
