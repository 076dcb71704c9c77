// The server's address: the folder above the console's own, which behind a proxy may be a path.
const server = new URL('..', document.baseURI);

/** The address of a path of the server, such as `api/v1/system`. */
export function address(path: string): URL {
  return new URL(path, server);
}

/** The address of the server itself, as the terminal client needs it. */
export const home = server.href.replace(/\/$/, '');
