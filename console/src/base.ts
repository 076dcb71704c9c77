// Where the server is: the folder above the console's own, which behind a proxy may be a path.
const server = new URL('..', document.baseURI);

/** The address of something that the server serves: `api/v1/system`. */
export function address(path: string): URL {
  return new URL(path, server);
}

/** The address of the server itself, as a client in a terminal takes it. */
export const home = server.href.replace(/\/$/, '');
