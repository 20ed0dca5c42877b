// Holds types.ts against what the server's own OpenAPI document says: a field this
// UI reads that no handler sends does not compile. After a change of the API run
// `npm run types` with a server at hand, then `npm run check`.

import type { components } from './openapi';
import type * as ours from './types';

type Server = components['schemas'];
/** The fields we read that the server does not send. */
type Unsent<Ours, Theirs> = Exclude<keyof Ours, keyof Theirs>;
type None<T extends never> = T;

export type Contract = [
  None<Unsent<ours.Plan, Server['Plan']>>,
  None<Unsent<ours.Option, Server['Option']>>,
  None<Unsent<ours.Leg, Server['Leg']>>,
  None<Unsent<ours.Border, Server['Border']>>,
  None<Unsent<ours.Segment, Server['Segment']>>,
  None<Unsent<ours.CostLine, Server['CostLine']>>,
  None<Unsent<ours.Point, Server['Point']>>,
  None<Unsent<ours.Excluded, Server['Excluded']>>,
  None<Unsent<ours.Hours, Server['Hours']>>,
  None<Unsent<ours.PlanRequest, Server['PlanBody']>>,
  None<Unsent<ours.Exposure, Server['Exposure']>>,
  None<Unsent<ours.Bypass, Server['Bypass']>>,
  None<Unsent<ours.Rule, Server['Rule']>>,
  None<Unsent<ours.Data, Server['Data']>>,
  None<Unsent<ours.Place, Server['PlaceView']>>,
  None<Unsent<ours.BorderPost, Server['BorderView']>>,
  None<Unsent<ours.Eta, Server['ETA']>>,
  None<Unsent<ours.ShipmentSummary, Server['ShipmentSummary']>>,
  None<Unsent<ours.Shipment, Server['ShipmentView']>>,
  None<Unsent<ours.Dossier, Server['Dossier']>>,
  None<Unsent<ours.Share, Server['ShareView']>>,
  None<Unsent<ours.Shared, Server['SharedView']>>,
  None<Unsent<ours.Milestone, Server['Milestone']>>,
  None<Unsent<ours.Unit, Server['UnitView']>>,
  None<Unsent<ours.Fix, Server['Fix']>>,
  None<Unsent<ours.TrackEvent, Server['Event']>>,
  None<Unsent<ours.EventKind, Server['EventKind']>>,
  None<Unsent<ours.AlertRule, Server['AlertRule']>>,
  None<Unsent<ours.Alert, Server['Alert']>>,
  None<Unsent<ours.Hook, Server['Hook']>>,
  None<Unsent<ours.Delivery, Server['DeliveryView']>>,
  None<Unsent<ours.Fence, Server['FenceFeature']>>,
  None<Unsent<ours.Fence['properties'], Server['FenceProperties']>>,
  None<Unsent<ours.FenceVisit, Server['FenceVisit']>>,
  None<Unsent<ours.Session, Server['SessionOutputBody']>>,
  None<Unsent<ours.CarnetSummary, Server['CarnetSummary']>>,
  None<Unsent<ours.Carnet, Server['CarnetView']>>,
  None<Unsent<ours.CarnetOffice, Server['Office']>>,
  None<Unsent<ours.CarnetOperation, Server['Operation']>>,
  None<Unsent<ours.CarnetWrong, Server['WrongView']>>,
  None<Unsent<ours.CarnetAct, Server['ActBody']>>,
  None<Unsent<ours.Problem, Server['Problem']>>,
];
