// The data of operations for the pages: a snapshot and everything after it, by the socket or, if none can be
// opened, by polling.
export { watchList, type List, type Listed } from './feed/list.ts';
export type { Filter } from './feed/merge.ts';
export { watchOne, type One, type Range, type Watched } from './feed/one.ts';
export { connect as connectSocket, restart as restartSocket } from './feed/socket.ts';
