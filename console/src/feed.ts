// What the pages know of operations: a snapshot and everything after it, whether by the socket or,
// where none can be opened, by asking again.
export { watchList, type List, type Listed } from './feed/list.ts';
export type { Filter } from './feed/merge.ts';
export { watchOne, type One, type Range, type Watched } from './feed/one.ts';
export { restart as restartSocket } from './feed/socket.ts';
