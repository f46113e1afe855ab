// What Grafana's own schema packages say a dashboard is, narrowed to the kinds of panels ours has, so
// that the compiler refuses a key that Grafana does not know, at any depth.
import type * as raw from "#dashboard";
import type * as barGauge from "#composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as stat from "#composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as stateTimeline from "#composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "#composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "#composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as timeSeries from "#composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON writes the members of a string enum as plain strings, and may leave out what has a default.
type Json<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer Each)[] ? Json<Each>[]
  : T extends object ? { [Key in keyof T]?: Json<T[Key]> }
  : unknown;

// Grafana's Prometheus query and annotation, of which its schema packages say nothing.
interface PrometheusTarget {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: true;
  format?: "table";
}
interface PrometheusAnnotation {
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
}
interface VariableQuery {
  query: string | { query: string; refId: string };
  definition?: string;
}
interface Current {
  current?: { selected?: boolean; text?: string[]; value?: string[] };
}

type Panel<Type extends string, Options, Custom> =
  Omit<Json<raw.Panel>, "type" | "options" | "fieldConfig" | "targets"> & {
    id: number;
    type: Type;
    description: string;
    options: Json<Options>;
    fieldConfig?: {
      defaults: Omit<Json<raw.FieldConfig>, "custom"> & { unit: string; custom?: Json<Custom> };
      overrides: Json<raw.FieldConfigSource["overrides"]>;
    };
    targets?: PrometheusTarget[];
  };

type AnyPanel =
  | Panel<"timeseries", timeSeries.Options, timeSeries.FieldConfig>
  | Panel<"stat", stat.Options, never>
  | Panel<"bargauge", barGauge.Options, never>
  | Panel<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>
  | Panel<"table", table.Options, table.FieldConfig>
  | Panel<"text", text.Options, never>;

export type Dashboard =
  Omit<Json<raw.Dashboard>, "panels" | "templating" | "annotations" | "id"> & {
    id: null;
    uid: string;
    title: string;
    schemaVersion: number;
    panels: (AnyPanel | (Omit<Json<raw.RowPanel>, "panels"> & { type: "row"; panels: AnyPanel[] }))[];
    templating: { list: (Omit<Json<raw.VariableModel>, "query" | "current"> & VariableQuery & Current)[] };
    annotations: { list: (Json<raw.AnnotationQuery> & PrometheusAnnotation)[] };
  };
