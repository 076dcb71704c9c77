// Prints the browser that the tests would use, or nothing if there is none.
import { browserPath } from './support.mjs';

console.log(browserPath() ?? '');
