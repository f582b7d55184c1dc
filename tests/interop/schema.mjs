// Judges policy files by their JSON Schema, with ajv and the YAML reader that editors use. Usage: schema.mjs CASES
//
// CASES is a JSON list of {name, schema, text}: the schema as JSON, the text as YAML. Prints a JSON list of
// {name, faults}, each fault the place and what is wrong there. The environment's DOORSTEP_TEST_NODE_MODULES says where
// the libraries are.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.DOORSTEP_TEST_NODE_MODULES, "here.js"));
const { Ajv2020 } = require("ajv/dist/2020.js");
const { parseDocument } = require("yaml");

// A keyword that does nothing would be passed over: in strict mode it is an error. A text may be a number to YAML, and
// what is required of a choice is defined beside it.
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
const compiled = new Map();

function judge({ name, schema, text }) {
  const words = JSON.stringify(schema);
  if (!compiled.has(words)) compiled.set(words, ajv.compile(schema));
  const document = parseDocument(text, { version: "1.2" });
  if (document.errors.length > 0) throw document.errors[0];
  const validate = compiled.get(words);
  validate(document.toJS());
  const faults = (validate.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
  return { name, faults };
}

console.log(JSON.stringify(JSON.parse(readFileSync(process.argv[2], "utf8")).map(judge)));
