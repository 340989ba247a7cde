/** What the server tells the page. The page imports these types, and nothing else of the server. */
import type { Question } from '../course/question.ts';
import type { AskedQuestion } from '../course/standing.ts';
import type { GoalId } from '../lessons/goals.ts';

export interface PodsDocument {
  readonly engine: EngineState;
  readonly projects: readonly ProjectDocument[];
  /** Compose projects that are up and not shown. */
  readonly others: readonly string[];
}

export interface EngineState {
  readonly state: 'up' | 'away';
  /** What is wrong, and what to do about it; commands are indented by four blanks. */
  readonly advice: readonly string[];
}

export interface ProjectDocument {
  readonly name: string;
  readonly pods: readonly PodDocument[];
  readonly arrows: readonly Arrow[];
}

/** Containers that share a namespace. */
export interface PodDocument {
  readonly id: string;
  /** Kinds of namespaces that all of them share. */
  readonly shared: readonly ('net' | 'pid' | 'ipc')[];
  readonly containers: readonly ContainerDocument[];
  /** Volumes that more than one container of the project mounts. */
  readonly volumes: readonly { readonly name: string; readonly mounted: readonly string[] }[];
}

export interface ContainerDocument {
  readonly id: string;
  readonly service: string;
  readonly role: string;
  readonly state: string;
  readonly exitCode: number | null;
  readonly health: string | null;
  readonly restarts: number;
  /** `127.0.0.1:8443 → 8443` */
  readonly ports: readonly string[];
  readonly stranded: Stranded | null;
  /** Faults that it can be given, and why not the others. */
  readonly faults: readonly FaultOffer[];
  readonly fault: { readonly kind: FaultKind; readonly until: string } | null;
}

/** Why it cannot do its work although it runs: its network is no longer that of the owner whose network it joined. */
export type Stranded =
  | { readonly owner: null }
  /** The owner does not run, or lives in `now`; this one is left in `left`. */
  | { readonly owner: string; readonly left: string | null; readonly now: string | null };

export const FAULTS = ['kill', 'pause', 'cut', 'fill', 'slow'] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface FaultOffer {
  readonly kind: FaultKind;
  /** Why it is not offered; null when it is. */
  readonly unless: string | null;
}

/** Who talks to whom, as far as it is known. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** By which variable this is known: `PROXY_PORT=8080`. */
  readonly by: string;
}

/** What is measured, by a container's id. */
export type UsageDocument = Readonly<Record<string, Usage>>;

export interface Usage {
  /** Of one processor; null at first. */
  readonly cpu: number | null;
  /** Bytes: usage without the page cache that is not in use. */
  readonly memory: number | null;
  readonly ready: boolean | null;
  readonly metric: { readonly name: string; readonly value: number } | null;
}

export interface LogDocument {
  readonly lines: readonly string[];
  /** Lines that came too fast to be shown. */
  readonly skipped: number;
}

export interface ExerciseDocument {
  readonly name: string;
  readonly number: string;
  readonly title: string;
  readonly minutes: number;
  readonly begun: boolean;
  readonly done: boolean;
}

export interface LessonDocument {
  readonly name: string;
  readonly number: string;
  readonly title: string;
  readonly minutes: number;
  readonly goals: readonly GoalId[];
  readonly goal: string;
  readonly steps: string;
  readonly hints: readonly string[];
  readonly moreHints: number;
  /** Told when all is green. */
  readonly recap: string | null;
  readonly folder: string;
  /** Compose project of its containers. */
  readonly project: string;
  readonly begun: boolean;
  /** What is being done just now. */
  readonly busy: 'begin' | 'solution' | 'reset' | 'stop' | null;
  readonly complaint: string | null;
  readonly results: readonly {
    readonly must: string;
    readonly state: 'met' | 'unmet' | 'waiting';
    readonly why?: string;
  }[];
}

/** How far the learner is, and the questions. */
export interface CourseDocument {
  readonly goals: readonly GoalDocument[];
  readonly questions: readonly AskedQuestion[];
}

export interface GoalDocument {
  readonly id: GoalId;
  readonly exercises: readonly { readonly number: string; readonly title: string; readonly done: string | null }[];
  readonly questions: { readonly all: number; readonly right: number };
  readonly reached: boolean;
}

/** What the page's own file holds, in a build without a server, in one language. */
export interface FileCourse {
  readonly lessons: readonly FileLesson[];
  readonly questions: readonly Question[];
  readonly slides: string;
}

export interface FileLesson {
  readonly name: string;
  readonly number: string;
  readonly title: string;
  readonly minutes: number;
  readonly goals: readonly GoalId[];
  readonly goal: string;
  readonly steps: string;
  readonly hints: readonly string[];
  readonly recap: string;
  readonly checks: readonly string[];
}
