/** The types of every path, put together from what is generated for each API. */

import type { FetchOptions, FetchResponse } from "openapi-fetch";

import type { components as Canonical, paths as CanonicalPaths } from "./generated/canonical.js";
import type { paths as DesignPaths } from "./generated/design.js";
import type { paths as ExercisesPaths } from "./generated/exercises.js";
import type { paths as FocusPaths } from "./generated/focus.js";
import type { paths as PortalPaths } from "./generated/portal.js";
import type { PAGES } from "./generated/tables.js";
import type { paths as YogaPaths } from "./generated/yoga.js";

/** Every path of the platform: those of `/v1`, and those of each product. */
export type Paths = CanonicalPaths & DesignPaths & ExercisesPaths & FocusPaths & PortalPaths & YogaPaths;

/** The messages of `/v1` by name, such as `Schemas["SessionChange"]`. */
export type Schemas = Canonical["schemas"];

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that take a method. */
export type PathOf<M extends Method> = {
  [P in keyof Paths]: Paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof Paths];

/** What any call may be told besides what its path takes. */
export interface CallOptions {
  /** Gives the call up, and throws the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds for all tries of this call together. */
  deadline?: number;
  /** Names this change for ever: made by the client, and to be given where a later run may repeat it. */
  idempotencyKey?: string;
}

type Operation<P extends keyof Paths, M extends Method> = Paths[P][M & keyof Paths[P]];
type Init<P extends keyof Paths, M extends Method> = Omit<FetchOptions<Operation<P, M>>, "fetch" | "signal"> &
  CallOptions;
// May be left out where nothing in it has to be said.
type Arguments<I> = Partial<I> extends I ? [init?: I] : [init: I];

/** What a call answers. */
export type Answer<P extends keyof Paths, M extends Method> = Exclude<
  FetchResponse<Operation<P, M> & Record<string | number, unknown>, unknown, `${string}/${string}`>["data"],
  undefined
>;

/** A method of the client: checks path, parameters and body, and knows the answer. */
export type Call<M extends Method> = <P extends PathOf<M>>(
  path: P,
  ...init: Arguments<Init<P, M>>
) => Promise<Answer<P, M>>;

/** Lists that come in pages. */
export type PagedPath = keyof typeof PAGES & PathOf<"get">;
/** Those whose answer has one list. */
export type ListPath = { [P in PagedPath]: (typeof PAGES)[P]["list"] extends string ? P : never }[PagedPath];
export type PageArguments<P extends PagedPath> = Arguments<Init<P, "get">>;

/** What a list has. */
export type Item<P extends ListPath> = (typeof PAGES)[P]["list"] extends infer Field
  ? Field extends keyof Answer<P, "get">
    ? Element<Answer<P, "get">[Field]>
    : Element<Answer<P, "get">>
  : never;
type Element<List> = List extends readonly (infer Each)[] ? Each : never;
