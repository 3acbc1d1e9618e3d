// The command line of solc over the npm package `solc`: --version and --standard-json.
"use strict";
const fs = require("fs");
const path = require("path");

const args = process.argv.slice(2);
const solc = require(require.resolve("solc", { paths: [process.env.GAVELBOOK_NODE_MODULES] }));

/** All values given to an option, as `--name value` or `--name=value`. */
function values(name) {
  return args.flatMap((arg, index) => {
    if (arg === name) return [args[index + 1]];
    return arg.startsWith(`${name}=`) ? [arg.slice(name.length + 1)] : [];
  });
}

/** Write everything to standard output; a full pipe answers EAGAIN until its reader catches up. */
function print(text) {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += fs.writeSync(1, bytes, offset);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

/** Compile standard JSON from the named file or standard input. */
function compile() {
  const roots = [...values("--base-path"), ...values("--include-path")];
  if (roots.length === 0) roots.push(".");
  const read = (name) => {
    for (const root of roots) {
      const file = path.resolve(root, name);
      if (fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
    }
    return { error: `File not found: ${name}` };
  };
  const file = args[args.indexOf("--standard-json") + 1];
  const source = file && !file.startsWith("-") ? file : 0;
  print(solc.compile(fs.readFileSync(source, "utf8"), { import: read }));
}

if (args.includes("--version")) {
  print(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (args.includes("--standard-json")) {
  compile();
} else {
  process.stderr.write("solc (npm build): expected --version or --standard-json\n");
  process.exit(1);
}
