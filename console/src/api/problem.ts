/** RFC 9457 problem documents as one error class. */

import type { Check, Conflict, Proposal } from "./model";

export interface FieldError {
  pointer: string;
  detail: string;
}

/** `status` is absent in the problem that a sortie keeps. */
export interface ProblemDocument {
  type: string;
  title: string;
  status?: number;
  detail: string;
  errors?: FieldError[];
  conflicts?: Conflict[];
  proposals?: Proposal[];
  checks?: Check[];
  texts?: string[];
}

const PREFIX = "urn:bailu:problem:";

/** Why the service did not do what was asked. `slug` is `unreachable` when it could not be asked at all. */
export class Problem extends Error {
  readonly slug: string;
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.detail || document.title);
    this.name = "Problem";
    this.slug = slugOf(document.type);
    this.document = document;
  }
}

export function slugOf(type: string): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : "internal";
}

export function unreachable(): Problem {
  return new Problem({ type: `${PREFIX}unreachable`, title: "The service cannot be reached", status: 0, detail: "" });
}

/** What a page that shows a recording never asks for. */
export function notLive(): Problem {
  return new Problem({ type: `${PREFIX}not-live`, title: "A recording is shown: nothing is commanded", status: 0, detail: "" });
}

/** A manoeuvre that the vehicle does not fly, in the gateway's words. */
export function failed(detail: string): Problem {
  return new Problem({ type: `${PREFIX}diversion-failed`, title: "The vehicle does not fly the new plan", detail });
}

/** The problem in a refused response; a body that is none becomes one by its status. */
export async function problemOf(response: Response): Promise<Problem> {
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("json")) {
    const body: unknown = await response.json().catch(() => null);
    if (isProblem(body)) return new Problem(body);
  }
  return new Problem({ type: "about:blank", title: response.statusText, status: response.status, detail: "" });
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "type" in body && "title" in body;
}
