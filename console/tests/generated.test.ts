import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";
import openapi from "../src/api/openapi.json?raw";
import stream from "../src/api/stream.json?raw";
import streamTypes from "../src/api/streamTypes.ts?raw";
import types from "../src/api/types.ts?raw";

it.each([
  ["types.ts", openapi, types],
  ["streamTypes.ts", stream, streamTypes],
])("%s is what `npm run types` makes of the description", async (_, description, generated) => {
  expect(COMMENT_HEADER + astToString(await openapiTS(description))).toBe(generated);
}, 60_000);
