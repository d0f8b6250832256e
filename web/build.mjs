// Bundles GraphiQL into dist/: node build.mjs. See web.go for what is in there.

import { build } from "esbuild";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const fonts = await mkdtemp(join(tmpdir(), "chargegraph-fonts-"));

// GraphiQL's style sheet has Monaco's in it, and all fonts as data: addresses.
// The fonts become files, which a browser loads when it needs one, and Monaco's
// own sheets are left out.
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /monaco-(editor|graphql)\/.*\.css$/ }, () => ({ loader: "empty", contents: "" }));
    onLoad({ filter: /graphiql\/dist\/style\.css$/ }, async ({ path }) => {
      const files = [];
      const contents = (await readFile(path, "utf8")).replace(/url\(data:font\/(\w+);(?:charset=[\w-]+;)?base64,([^)]+)\)/g, (_, type, data) => {
        const file = join(fonts, `font${files.length}.${type}`);
        files.push(writeFile(file, Buffer.from(data, "base64")));
        return `url("${file}")`;
      });
      await Promise.all(files);
      return { contents, loader: "css", resolveDir: dirname(path) };
    });
  },
};

const common = {
  absWorkingDir: here,
  outdir: dist,
  bundle: true,
  minify: true,
  keepNames: true, // GraphiQL makes the texts of its icons from them
  metafile: true,
  legalComments: "none", // they stand in licenses.txt
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  target: ["chrome111", "firefox114", "safari16.4"],
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

// entry returns the name of what was made from an entry point.
function entry(result, point, extension = ".js") {
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint !== point) continue;
    return basename(extension === ".js" ? path : output.cssBundle);
  }
  throw new Error(`nothing was made from ${point}`);
}

await mkdir(dist, { recursive: true });
for (const name of await readdir(dist)) if (name !== ".keep") await rm(join(dist, name), { recursive: true });

const kinds = {
  editor: "node_modules/monaco-editor/esm/vs/editor/editor.worker.js",
  graphql: "node_modules/monaco-graphql/esm/graphql.worker.js",
  json: "node_modules/monaco-editor/esm/vs/language/json/json.worker.js",
};
const workers = await build({ ...common, format: "iife", entryPoints: kinds, entryNames: "[name].worker-[hash]" });
const names = Object.fromEntries(Object.entries(kinds).map(([kind, point]) => [kind, `./${entry(workers, point)}`]));

const app = await build({
  ...common,
  format: "esm",
  splitting: true,
  entryPoints: ["graphiql/app.jsx"],
  jsx: "automatic",
  loader: { ".ttf": "file", ".woff": "file", ".woff2": "file" },
  define: { ...common.define, WORKERS: JSON.stringify(names) },
  plugins: [styles],
});
await rm(fonts, { recursive: true });

const page = (await readFile(join(here, "graphiql/index.html"), "utf8"))
  .replace("%JS%", `playground/${entry(app, "graphiql/app.jsx")}`)
  .replace("%CSS%", `playground/${entry(app, "graphiql/app.jsx", ".css")}`);
await writeFile(join(dist, "index.html"), page);

// The licences of all that was bundled.
const packages = new Set();
for (const { metafile } of [workers, app]) {
  for (const input of Object.keys(metafile.inputs)) {
    const found = input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
}
const licenses = [];
for (const name of [...packages].sort()) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((f) => /^licen[cs]e/i.test(f));
  licenses.push(`${name} ${version} (${license})\n\n${file ? await readFile(join(folder, file), "utf8") : ""}`);
}
await writeFile(join(dist, "licenses.txt"), licenses.join(`\n${"-".repeat(80)}\n\n`));

// Texts are kept compressed alone; most browsers never ask for more.
let total = 0;
for (const name of await readdir(dist)) {
  const path = join(dist, name);
  const body = await readFile(path);
  if (/\.(js|css|ttf|txt)$/.test(name)) {
    const small = gzipSync(body, { level: constants.Z_BEST_COMPRESSION });
    await writeFile(`${path}.gz`, small);
    await rm(path);
    total += small.length;
  } else {
    total += body.length;
  }
}
console.log(`web/dist: ${(total / 1e6).toFixed(1)} MB`);
