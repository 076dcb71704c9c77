// Prints the browser that the tests would use; nothing where there is none.
import { browserPath } from './support.mjs';

console.log(browserPath() ?? '');
