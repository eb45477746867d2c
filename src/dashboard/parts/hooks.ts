import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Reading, Resource, ResourceOptions } from "../store/resource.ts";
import { theStore } from "../store/store.ts";

/** An answer of the API that is kept up to date while the component is shown; `key` names it: another key is another answer. */
export function useReading<T>(
  key: string,
  options: () => ResourceOptions<T>,
): { readonly reading: Reading<T>; readonly refresh: () => void } {
  const store = theStore();
  const make = useRef(options);
  make.current = options;
  const resource: Resource<T> = useMemo(() => store.resource(make.current()), [key]);
  useEffect(() => () => store.close(resource as Resource<unknown>), [resource]);
  return { reading: resource.reading.value, refresh: () => void resource.refresh() };
}

/** The title of the document while the component is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · steward`;
  }, [title]);
}
