// Judges JSON by TypeScript types: the compiler reads it as a literal, so that an unknown key, at any
// depth, or a value of the wrong kind is an error.
//
// Used by: check_dashboard.mjs, check_kubernetes.mjs.
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

// `literals`: [{json, type, from}], type being exported by module `from`; `paths` as in tsconfig.json.
// Returns what is wrong, as texts with the line in `json`.
export function typeErrors(literals, paths = {}) {
  const file = fileURLToPath(new URL(`literals_${process.pid}.ts`, import.meta.url));
  const starts = [];
  const lines = [];
  literals.forEach(({ json, type, from }, index) => {
    lines.push(`import type { ${type} as Type${index} } from "${from}";`);
    lines.push(`export const literal${index}: Type${index} =`);
    starts.push(lines.length);
    lines.push(...`${json};`.split("\n"));
  });
  writeFileSync(file, lines.join("\n"));
  try {
    const program = ts.createProgram([file], {
      noEmit: true, strict: true, skipLibCheck: true, types: [], paths,
      module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    });
    return ts.getPreEmitDiagnostics(program).map(({ file: source, start, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, "\n");
      if (source?.fileName !== file) return `${source?.fileName ?? ""}: ${text}`;
      const line = source.getLineAndCharacterOfPosition(start).line;
      const begin = starts.findLast((each) => each <= line) ?? 0;
      return `line ${line - begin + 1}: ${text}`;
    });
  } finally {
    rmSync(file);
  }
}
