// generate.mjs [FOLDER]: src/gql/ from the schema and the operations. It calls the client preset of GraphQL Codegen
// itself: its command-line program does the same from a codegen.ts, and brings 230 packages more.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addTypenameSelectionDocumentTransform, preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import { getIntrospectedSchema, minifyIntrospectionQuery } from "@urql/introspection";
import { buildSchema, parse } from "graphql";

const here = import.meta.dirname;
const folder = process.argv[2] ?? join(here, "src/gql");
const sdl = await readFile(join(here, "../../schema.graphqls"), "utf8");
const operations = await readFile(join(here, "../operations.graphql"), "utf8");

const files = await preset.buildGeneratesSection({
  baseOutputDir: `${folder}/`,
  schema: parse(sdl),
  schemaAst: buildSchema(sdl),
  documents: [{ location: "operations.graphql", rawSDL: operations, document: parse(operations) }],
  documentTransforms: [{ transformObject: addTypenameSelectionDocumentTransform, config: {} }], // the cache needs them
  presetConfig: {
    fragmentMasking: false, // there are no components here that could hide theirs
    persistedDocuments: true, // the manifest, and the hashes in the documents
  },
  config: {
    strictScalars: true,
    scalars: { DateTime: "string", URL: "string", CountryCode: "string", Duration: "string" },
    useTypeImports: true,
  },
  plugins: [],
  pluginMap: {},
});
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const file of files) {
  // gql.ts and index.ts are for documents in tagged templates; ours have a file of their own.
  if (/\/(graphql\.ts|persisted-documents\.json)$/.test(file.filename)) await writeFile(file.filename, await codegen(file));
}

// The cache knows by this which fields may be null, and which types are entities.
const schema = minifyIntrospectionQuery(getIntrospectedSchema(sdl));
await writeFile(join(folder, "schema.json"), `${JSON.stringify(schema)}\n`);
