import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, client, serve } from "./server.js";

const FAULTS = [
  { field: "exercise_id", message: "is required" },
  { field: "user_answer", message: "is required" },
];
const JOINED = "exercise_id: is required; user_answer: is required";
const LOCATED = FAULTS.map(({ field, message }) => ({ loc: ["body", field], msg: message, type: "value_error" }));
const VIOLATIONS = FAULTS.map(({ field, message }) => ({ field, description: message }));

const SHAPES = {
  exercises: { detail: JOINED },
  portal: { error: "invalid_request", message: JOINED },
  focus: { success: false, message: JOINED, data: null },
  "yoga and design": { detail: LOCATED },
  "/v1": {
    error: { code: 400, message: JOINED, status: "INVALID_ARGUMENT", details: [{ reason: "FIELD_INVALID" }, { field_violations: VIOLATIONS }] },
  },
};

for (const [where, body] of Object.entries(SHAPES)) {
  test(`what is wrong with which field is read in the shape of ${where}`, async (t) => {
    const headers = { status: 400, "x-practice-reason": "FIELD_INVALID", "x-request-id": "r-1" };
    const { url } = await serve(t, (_, response) => answer(response, body, headers));
    await assert.rejects(client(url).post("/exercises/submit", { body: {} }), (error) => {
      assert.deepEqual(error.fields, FAULTS);
      assert.deepEqual([error.reason, error.status, error.requestId], ["FIELD_INVALID", 400, "r-1"]);
      assert.ok(error.message.includes("is required"));
      return true;
    });
  });
}

test("a canonical error says why without its header, and what a program needs to know", async (t) => {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "QUOTA_EXCEEDED", metadata: { quota: "problems" } };
  const body = { error: { code: 429, message: "Too many: really", status: "RESOURCE_EXHAUSTED", details: [info] } };
  const { url } = await serve(t, (_, response) => answer(response, body, { status: 429, "Retry-After": "999" }));
  await assert.rejects(client(url).post("/v1/problems", { body: {} }), (error) => {
    assert.deepEqual([error.reason, error.message], ["QUOTA_EXCEEDED", "Too many: really"]);
    assert.deepEqual([error.metadata, error.fields], [{ quota: "problems" }, []]);
    return true;
  });
});

test("an answer that is no JSON is told as it is", async (t) => {
  const { url } = await serve(t, (_, response) => response.writeHead(418).end("<h1>teapot</h1>"));
  await assert.rejects(client(url).get("/v1/streaks"), (error) => {
    assert.deepEqual([error.reason, error.message], ["HTTP_418", "<h1>teapot</h1>"]);
    return true;
  });
});
