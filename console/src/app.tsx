// The frame around every page: navigation, whether the server can be reached, and keys.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { token, tryToken, wantsToken } from './api.ts';
import { tick } from './clock.ts';
import { lastHeard, life, reach, socketOpen } from './connection.ts';
import { hasKind, kinds, kindsProblem, watchKinds } from './feed/kinds.ts';
import { system, watchSystem } from './feed/system.ts';
import { connectSocket, restartSocket } from './feed.ts';
import { span } from './format.ts';
import { Data } from './pages/data.tsx';
import { Imports } from './pages/imports.tsx';
import { Model, Models } from './pages/models.tsx';
import { Operation } from './pages/operation.tsx';
import { Operations } from './pages/operations.tsx';
import { Start } from './pages/start.tsx';
import { Supervision } from './pages/supervision.tsx';
import { Asking } from './parts/asking.tsx';
import { Empty, Problem, Told } from './parts/basics.tsx';
import { Dialog } from './parts/dialog.tsx';
import { next, theme } from './parts/theme.ts';
import { href, route } from './route.ts';

/** The pages, some of which show what one kind makes: they are there if the server has the kind. */
const PLACES: { place: string; label: string; kind?: string }[] = [
  { place: 'operations', label: 'Operations' },
  { place: 'start', label: 'Start' },
  { place: 'supervision', label: 'Supervision' },
  { place: 'data', label: 'Data', kind: 'data_load' },
  { place: 'models', label: 'Models', kind: 'training' },
];

const KEYS: [string, string][] = [
  ['/', 'filter the list'],
  ['j  k', 'next row, row before'],
  ['Enter', 'open the row'],
  ['x', 'select the row'],
  ['c', 'cancel the row, or those selected'],
  ['Esc', 'leave a dialog or the filter'],
  ['?', 'these keys'],
];

const help = signal(false);

export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && (target as HTMLInputElement).type !== 'checkbox');
}

export function App(): JSX.Element {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== '?' || isTyping(event) || event.ctrlKey || event.metaKey) return;
      help.value = true;
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  // The server may have restarted with other kinds, and does not name them without a token.
  useEffect(() => (wantsToken.value ? undefined : watchKinds()), [life.value, wantsToken.value]);
  useEffect(() => {
    if (!wantsToken.value) connectSocket();
  }, [wantsToken.value]);
  const [place = 'operations', ...rest] = route.value.path;
  useEffect(() => {
    const name = PLACES.find((one) => one.place === place)?.label ?? 'Impresario';
    document.title = rest.length > 0 ? `${rest.at(-1)!.slice(-8)} – ${name} – Impresario` : `${name} – Impresario`;
  }, [route.value]);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>To the content</a>
      <nav class="rail" aria-label="Pages">
        <span class="brand"><img src="./icon.svg" alt="" width="22" height="22" /><span>Impresario</span></span>
        {PLACES.filter(({ kind }) => kind === undefined || hasKind(kind)).map(({ place: one, label }) => (
          <a key={one} href={href([one])} aria-current={one === place ? 'page' : undefined}>{label}</a>
        ))}
      </nav>
      <div class="main">
        <TopBar />
        <main id="content" tabIndex={-1}>{wantsToken.value ? null : <Page place={place} rest={rest} />}</main>
      </div>
      <Asking />
      <Told />
      {wantsToken.value ? <TokenDialog /> : null}
      {help.value ? <Help /> : null}
    </>
  );
}

function Page({ place, rest }: { place: string; rest: string[] }): JSX.Element {
  const [id] = rest;
  const kind = PLACES.find((one) => one.place === place)?.kind;
  if (kind !== undefined && !hasKind(kind)) {
    if (kinds.value !== null) return <NoPage />;
    return kindsProblem.value === '' ? <p class="muted loading">Asking the server…</p> : <Problem text={kindsProblem.value} />;
  }
  switch (place) {
    case 'operations':
      return id === undefined ? <Operations /> : <Operation key={id} id={id} />;
    case 'start':
      return <Start />;
    case 'supervision':
      return <Supervision />;
    case 'data':
      // No symbol is called so.
      return id === 'imports' && rest.length === 1 ? <Imports /> : <Data of={rest} />;
    case 'models':
      return id === undefined ? <Models /> : <Model key={id} id={id} />;
    default:
      return <NoPage />;
  }
}

function NoPage(): JSX.Element {
  return <Empty title="There is no such page"><p><a href="#/operations">Operations</a> are where most begin.</p></Empty>;
}

function TopBar(): JSX.Element {
  // This reads the version, and shows on pages without requests of their own whether the server answers.
  useEffect(() => watchSystem(false, 5_000), []);
  const words = { system: 'system', light: 'light', dark: 'dark' };
  return (
    <header class="top">
      <Connection />
      <span class="space" />
      <span class="muted version">{system.value === null ? '' : `impresariod ${system.value.version}`}</span>
      <button type="button" class="quiet keys-button" onClick={() => { help.value = true; }}>Keys <kbd>?</kbd></button>
      <button type="button" class="quiet" onClick={next}><span class="theme-word">Theme: </span>{words[theme.value]}</button>
    </header>
  );
}

function Connection(): JSX.Element {
  void tick.value;
  const ago = span((Date.now() - lastHeard.value) / 1_000);
  const [kind, sign, text, how] =
    reach.value === 'gone' ? ['gone', '◌', `reconnecting, last seen ${ago} ago`, 'the server does not answer']
    : wantsToken.value ? ['asking', '◌', 'waits for a token', 'the server answers nothing without a token']
    : reach.value === 'asking' ? ['asking', '◌', 'connecting', 'the server has not answered yet']
    : socketOpen.value ? ['here', '●', 'live', 'by a socket']
    : ['here', '●', 'live, polling', 'by asking again and again'];
  return (
    <span class={`connection ${kind}`} role="status" title={how}>
      <span aria-hidden="true">{sign}</span> {text}
    </span>
  );
}

function Help(): JSX.Element {
  const close = (): void => { help.value = false; };
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {KEYS.map(([key, what]) => <div key={key}><dt>{key.split('  ').map((one) => <kbd key={one}>{one}</kbd>)}</dt><dd>{what}</dd></div>)}
      </dl>
      <div class="actions"><button type="button" autofocus onClick={close}>Close</button></div>
    </Dialog>
  );
}

function TokenDialog(): JSX.Element {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState(token() === null ? '' : 'The server does not take the token of this tab any more.');
  const [busy, setBusy] = useState(false);
  const keep = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || text.trim() === '') return;
    setBusy(true);
    const wrong = await tryToken(text.trim());
    setBusy(false);
    setProblem(wrong);
    if (wrong === '') restartSocket();
  };
  return (
    <Dialog title="This server asks for a token" onClose={() => undefined}>
      <form onSubmit={(event) => void keep(event)}>
        <p>It is the second word of a line in the server's <code>http.token_file</code>. It is kept for this tab and sent to this server alone.</p>
        <label class="field"><span>Token</span>
          <input type="password" autofocus autocomplete="off" value={text} aria-invalid={problem !== ''} aria-describedby="token-problem" onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div id="token-problem">{problem === '' ? null : <Problem text={problem} />}</div>
        <div class="actions"><button class="primary" type="submit" disabled={busy}>{busy ? 'Asking…' : 'Go on'}</button></div>
      </form>
    </Dialog>
  );
}
