// One operation and its output, for a component.
import { useEffect, useState } from 'preact/hooks';
import { get, words } from '../api.ts';
import type { View } from '../wire.ts';
import { watchOne, type One, type Watched } from './one.ts';

/** The operation as it is now; null at first. */
export function useOperation(id: string): Watched | null {
  const [one, setOne] = useState<One | null>(null);
  useEffect(() => {
    const made = watchOne(id);
    setOne(made);
    return () => made.close();
  }, [id]);
  return one?.state.value ?? null;
}

/** The output of a completed operation, which is read by itself where it is too large for the view. */
export function useOutput(view: View | null): { got: unknown; problem: string } {
  const [read, setRead] = useState<{ got: unknown; problem: string }>({ got: null, problem: '' });
  const id = view?.status === 'completed' && view.result_summary === null ? view.operation_id : null;
  useEffect(() => {
    if (id === null) return undefined;
    let gone = false;
    get<unknown>(`/operations/${id}/results`).then(
      (got) => { if (!gone) setRead({ got, problem: '' }); },
      (error: unknown) => { if (!gone) setRead({ got: null, problem: words(error) }); },
    );
    return () => { gone = true; };
  }, [id]);
  return id === null ? { got: view?.result_summary ?? null, problem: '' } : read;
}
