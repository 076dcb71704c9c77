// What the server says, as docs/API.md has it. Fields that are unknown here are left alone.

export type Status =
  | 'pending' | 'running' | 'cancelling' | 'pausing'
  | 'paused' | 'completed' | 'failed' | 'cancelled';

export type Verb = 'cancel' | 'pause' | 'finish' | 'resume' | 'start-now' | 'retry';

export interface Stop {
  verb: 'finish' | 'pause' | 'deadline' | 'cancel';
  requested_at: string;
  requested_by: string;
  reason: string | null;
}

export interface OperationError {
  code: string;
  message: string;
  details: unknown;
  retryable: boolean;
  run: number;
  step: string | null;
}

export interface Step {
  name: string;
  current: number;
  total: number;
}

export interface Progress {
  percentage: number;
  message: string;
  steps: Step[];
  items_processed: number;
  items_total: number | null;
  rate_per_second: number | null;
  eta_seconds: number | null;
  context: Record<string, string>;
  advanced_at: string | null;
  updated_at: string | null;
}

export interface Checkpoint {
  at: string;
  step: Record<string, number>;
  bytes: number;
}

export interface Row {
  operation_id: string;
  kind: string;
  status: Status;
  lane: string;
  priority: number;
  run: number;
  attempt: number;
  max_attempts: number;
  retry_of: string | null;
  labels: Record<string, string>;
  requested_by: string;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  not_before: string | null;
  elapsed_seconds: number;
  server_time: string;
  waiting_for: string | null;
  queue_position: number | null;
  stop: Stop | null;
  stopped_early: boolean;
  unresponsive_since: string | null;
  verbs: Verb[];
  progress: Progress | null;
  checkpoint: Checkpoint | null;
  error: OperationError | null;
  seq: number;
}

export interface Warning {
  code: string;
  message: string;
  run: number;
  at: string;
}

export interface View extends Row {
  params: unknown;
  warnings: Warning[];
  result_summary: unknown;
}

export interface Page {
  operations: Row[];
  next_cursor: string | null;
  total_count: number;
  total_is_exact: boolean;
  active_count: number;
}

export interface MetricPoint {
  step: number;
  value: number | null;
  run: number;
  at: string;
}

export interface MetricSummary {
  count: number;
  first: MetricPoint;
  last: MetricPoint;
  min: MetricPoint | null;
  max: MetricPoint | null;
}

export interface MetricAnswer {
  series: Record<string, MetricPoint[]>;
  /** Of all points in the range, thinned or not. */
  summary: Record<string, MetricSummary>;
}

export interface EventPage {
  events: Event[];
  next_since: number;
}

/** The durable facts, and what only the socket says beside them. */
export type Body =
  | { type: 'submitted'; data: Pick<Row, 'kind' | 'lane' | 'priority' | 'labels' | 'requested_by' | 'retry_of' | 'not_before' | 'status' | 'verbs'> & { reason?: string | null } }
  | { type: 'status'; data: Pick<Row, 'status' | 'run' | 'attempt' | 'stop' | 'stopped_early' | 'error' | 'verbs' | 'started_at' | 'completed_at' | 'not_before'> }
  | { type: 'rescheduled'; data: { requested_by: string; reason: string | null; not_before: string | null; status: Status; verbs: Verb[] } }
  | { type: 'resumed'; data: { requested_by: string; reason: string | null; status: Status; attempt: number; verbs: Verb[] } }
  | { type: 'restored'; data: { run: number; from_step: Record<string, number>; metrics: Record<string, number> } }
  | { type: 'checkpoint'; data: Checkpoint }
  | { type: 'warning'; data: Warning }
  | { type: 'metric'; data: { name: string; step: number; value: number | null; run: number } }
  | { type: 'log'; data: { level: 'debug' | 'info' | 'warn' | 'error'; message: string; run: number } }
  | { type: 'gap'; data: { logs: number; metrics: number; events: number } };

export type Event = Body & { operation_id: string; seq: number; cursor: number; at: string };

export interface Slot {
  slot: number;
  operation_id: string | null;
  kind: string | null;
  since: string | null;
  step: string | null;
  advanced_at: string | null;
  overdue: boolean;
}

export interface Lane {
  name: string;
  concurrency: number;
  queue_limit: number;
  threads: number;
  slots: Slot[];
  queued: number;
  scheduled: number;
  oldest_wait_seconds: number | null;
}

export interface System {
  version: string;
  uptime_seconds: number;
  admitting: boolean;
  lanes: Lane[];
  store: {
    engine: string;
    queue: number;
    commit_p50_ms: number | null;
    commit_p99_ms: number | null;
    size_bytes: number;
    operations: number;
  };
  ended_last_hour: Partial<Record<Status, number>>;
  cancel_p50_ms: number | null;
  cancel_p99_ms: number | null;
  subscribers: number;
  panics: number;
  restarts: number;
  admitted: number;
  refused: number;
}

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  $ref?: string;
  $defs?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
}

export interface Kind {
  kind: string;
  description: string;
  params_schema: Schema;
  output_schema: Schema;
  lane: string;
  verbs: Verb[];
}

export interface Fault {
  path: string;
  expected: string;
  got: string;
}

export interface Dataset {
  symbol: string;
  timeframe: string;
  rows: number;
  /** Null: loaded before they were counted. */
  holes: number | null;
  start: string;
  end: string;
  bytes: number;
  sha256: string;
  source: string;
  loaded_at: string;
}

export interface Bar {
  timestamp: string;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export interface Scores {
  accuracy: number;
  balanced_accuracy: number;
  log_loss: number | null;
}

export interface TestReport {
  rows: number;
  model: Scores;
  baselines: { majority_class: Scores; last_direction: Scores };
  beats_baselines: boolean;
  confusion: number[][];
  classes: string[];
}

export interface ModelRow {
  model_id: string;
  created_at: string;
  symbol: string;
  timeframe: string;
  best_epoch: number;
  epochs_run: number;
  test: TestReport;
}

export interface ModelCard {
  model_id: string;
  created_at: string;
  params: Record<string, unknown>;
  data: { symbol: string; timeframe: string; bars: number; start: string; end: string; sha256: string; parts: number[] };
  features: { name: string; mean: number; deviation: number }[];
  layers: number[];
  weights: number;
  history: { epoch: number; train_loss: number; train_accuracy: number; validation_loss: number; validation_accuracy: number }[];
  best_epoch: number;
  ended_by: string;
  test: TestReport;
  device: string;
  versions: Record<string, string>;
  weights_sha256: string;
}
