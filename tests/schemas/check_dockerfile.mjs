// Checks a Dockerfile with the validator of Docker's language server; a warning is as bad as an error.
//
// Usage: node check_dockerfile.mjs Dockerfile
import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";

const [file] = process.argv.slice(2);
const problems = validate(readFileSync(file, "utf8"));
for (const { range, message } of problems) {
  console.error(`${file}:${range.start.line + 1}: ${message}`);
}
if (problems.length > 0) process.exit(1);
console.log(`${file}: nothing to say against it`);
