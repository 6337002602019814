// What a dashboard of this mixin is: Grafana's own types, made narrower. Grafana takes a dashboard
// that lacks a title, names a unit nowhere or holds keys it does not know; here each is an error.

import type {
  Dashboard,
  FieldConfig,
  GraphFieldConfig,
  GridPos,
  Panel,
  RowPanel,
  TableFieldOptions,
  VariableModel,
} from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A type as JSON writes it: the words of an enum, where TypeScript wants its names. */
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

/** `T` with other types for some of its keys. */
type With<T, U> = Omit<T, keyof U> & U;

/** The data source that the reader chooses. */
interface Chosen {
  type: 'prometheus';
  uid: '$datasource';
}

/** Units that Grafana knows and this mixin uses; an unknown one would be shown as a suffix. */
type Unit = 'short' | 'percentunit' | 's' | 'bytes' | 'cps' | 'reqps' | 'dateTimeAsIso';

/** A query in PromQL. `@grafana/schema` 13 has no type for it any more. */
interface Query {
  refId: string;
  expr: string;
  legendFormat: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  range?: boolean;
}

/** A panel with queries. */
type Shown<Type extends string, Options, Custom> = With<
  Panel,
  {
    id: number;
    type: Type;
    title: string;
    /** What the numbers mean, and what to do or which page to open. */
    description: string;
    datasource: Chosen;
    gridPos: GridPos;
    fieldConfig: With<
      NonNullable<Panel['fieldConfig']>,
      { defaults: With<FieldConfig, { unit: Unit; custom?: Partial<Custom> }> }
    >;
    options: Partial<Options>;
    targets: [Query, ...Query[]];
  }
>;

type AnyPanel =
  | Shown<'timeseries', TimeSeries, GraphFieldConfig>
  | Shown<'stat', Stat, never>
  | Shown<'bargauge', BarGauge, never>
  | Shown<'table', Table, TableFieldOptions>
  | With<RowPanel, { title: string; gridPos: GridPos; collapsed: false; panels: [] }>;

interface ChosenVariable extends Omit<VariableModel, 'query'> {
  name: 'datasource';
  type: 'datasource';
  query: 'prometheus';
}

type LabelVariable<Name extends string> = With<
  VariableModel,
  {
    name: Name;
    type: 'query';
    datasource: Chosen;
    query: string;
    /** When the time range changes: who has left is still shown in the past. */
    refresh: 2;
    multi: true;
    includeAll: true;
    /** Matches what there is, and nothing that lacks the label. */
    allValue: '.+';
  }
>;

export type Checked = Json<
  With<
    Dashboard,
    {
      uid: `quell-${string}`;
      title: `Quell: ${string}`;
      description: string;
      /** The dashboards find each other by it. */
      tags: ['quell'];
      /** Changes belong into the file. */
      editable: false;
      templating: { list: [ChosenVariable, LabelVariable<'job'>, LabelVariable<'instance'>] };
      panels: AnyPanel[];
    }
  >
>;
