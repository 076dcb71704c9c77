// The form's start as commands for a terminal.

export interface Start {
  kind: string;
  params: Record<string, unknown>;
  options: Record<string, unknown>;
}

/** Quotes a text for a shell, which changes nothing between single quotes. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The body of `POST /operations`. */
export function body(start: Start): Record<string, unknown> {
  const { kind, params, options } = start;
  return Object.keys(options).length === 0 ? { kind, params } : { kind, params, options };
}

/** The start for curl; `server` is the address without a slash at the end. */
export function curl(server: string, start: Start, withToken: boolean): string {
  const token = withToken ? ` -H "Authorization: Bearer $IMPRESARIO_TOKEN"` : '';
  return `curl -H 'Content-Type: application/json'${token} -d ${quoted(JSON.stringify(body(start)))} ${quoted(`${server}/api/v1/operations`)}`;
}

/** The client reads a value that parses as JSON as JSON, so a text that does so is written as a JSON string. */
function param(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  try {
    JSON.parse(value);
    return JSON.stringify(value);
  } catch {
    return value;
  }
}

/** An option and its value. The client takes a value that begins with a dash only in the same word. */
function option(name: string, value: string): string[] {
  return value.startsWith('-') ? [`${name}=${value}`] : [name, value];
}

const FLAGS: Record<string, string> = {
  priority: '--priority',
  timeout_seconds: '--timeout',
  max_attempts: '--max-attempts',
  not_before: '--not-before',
};

export function cli(server: string, start: Start): string {
  const words = ['impresario', '--url', server, 'start', start.kind];
  for (const [name, value] of Object.entries(start.params)) {
    words.push(...option('--param', `${name}=${param(value)}`));
  }
  for (const [name, value] of Object.entries(start.options)) {
    if (name === 'labels') {
      for (const [key, label] of Object.entries(value as Record<string, string>)) words.push(...option('--label', `${key}=${label}`));
    } else if (name in FLAGS) words.push(...option(FLAGS[name] ?? '', name === 'timeout_seconds' ? `${String(value)}s` : String(value)));
  }
  return words.map(quoted).join(' ');
}

/** How the bars of a dataset up to a time are read, that of the last one. */
export function upTo(server: string, { symbol, timeframe }: { symbol: string; timeframe: string }, last: string): string {
  return ['impresario', '--url', server, 'data', 'show', symbol, timeframe, '--end', last].map(quoted).join(' ');
}
