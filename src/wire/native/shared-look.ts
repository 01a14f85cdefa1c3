/**
 * A question that may take long and that many ask: one is under way at a time, and those who ask meanwhile share the next
 * one, since the answer that is on its way may be older than what they want to know.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  ask(): Promise<T> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= ended(this.#current).then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<T> {
    const current = this.#look();
    this.#current = current;
    void ended(current).then(() => {
      if (this.#current === current) this.#current = undefined;
    });
    return current;
  }
}

function ended(promise: Promise<unknown>): Promise<void> {
  return promise.then(
    () => {},
    () => {},
  );
}
