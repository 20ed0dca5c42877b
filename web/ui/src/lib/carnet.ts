// What the pages say of TIR carnets: words for what happened, and which steps are
// open to whom at which stage.

import type { Carnet } from './api/types';
import { country, has, t } from './i18n';
import type { Lang } from './prefs.svelte';

/** actWord names a step, an exception or a notice. */
export function actWord(kind: string): string {
  const bare = kind.replace(/^carnet-/, '');
  for (const key of [`carnet.act.${bare}`, `event.carnet-${bare}`]) {
    if (!has(key)) continue;
    const word = t(key).replace(/^(TIR|МДП)\s*[:：]\s*/, '');
    return word[0]!.toLocaleUpperCase() + word.slice(1);
  }
  return bare;
}

/** territory names a customs territory: the Union is one. */
export function territory(code: string, lang: Lang): string {
  return code === 'EU' ? t('carnet.eu') : country(code, lang);
}

/** seesAll tells whether somebody may record for every carnet. */
export const seesAll = (role?: string) => role === 'admin' || role === 'dispatcher';

export interface Act {
  kind: string;
  /** Roles of the offices it happens at; none: nowhere in particular. */
  at?: readonly string[];
  needsOffice?: boolean;
  seal?: 'needed' | 'may';
  report?: 'needed' | 'may';
  limit?: 'needed' | 'may';
  reservation?: boolean;
  country?: boolean;
  vehicle?: boolean;
  approval?: boolean;
}

const under: readonly Act[] = [
  { kind: 'seal-check', at: ['departure', 'exit', 'entry', 'destination'], seal: 'may' },
  { kind: 'start', at: ['entry'], needsOffice: true, limit: 'may' },
  { kind: 'terminate', at: ['exit', 'destination'], needsOffice: true, reservation: true },
  { kind: 'load', at: ['departure'], needsOffice: true, seal: 'may' },
  { kind: 'unload', at: ['destination'], needsOffice: true, seal: 'may' },
  { kind: 'extend', limit: 'needed' },
  { kind: 'transfer', vehicle: true, seal: 'may', report: 'may' },
  { kind: 'reseal', at: ['departure', 'exit', 'entry', 'destination'], seal: 'needed', report: 'may' },
  { kind: 'report', report: 'needed' },
  { kind: 'seal-break', report: 'may' },
  { kind: 'seal-differs', at: ['departure', 'exit', 'entry', 'destination'], seal: 'needed', report: 'may' },
  { kind: 'accident', report: 'may' },
  { kind: 'theft', report: 'may' },
  { kind: 'unload-elsewhere', report: 'may' },
  { kind: 'refuse', at: ['entry'], needsOffice: true },
];
const before: readonly Act[] = [
  { kind: 'announce' },
  { kind: 'accept', at: ['departure'], needsOffice: true, seal: 'may', limit: 'may', approval: true },
  { kind: 'refuse', at: ['departure', 'entry'], needsOffice: true },
];
const after: readonly Act[] = [{ kind: 'discharge', country: true }, { kind: 'claim', country: true }, { kind: 'report', report: 'needed' }];

/** actsOf lists what may be recorded of a carnet now, the likeliest first. What the
 * server refuses it says itself, with what has to come first. */
export function actsOf(c: Carnet): readonly Act[] {
  switch (c.stage) {
    case 'issued':
      return [before[1]!, before[0]!, before[2]!];
    case 'announced':
      return [before[1]!, before[2]!];
    case 'accepted':
    case 'in-transit': {
      const several = c.offices.filter((o) => o.role === 'departure' || o.role === 'destination').length > 2;
      const acts = under.filter((a) => several || (a.kind !== 'load' && a.kind !== 'unload'));
      const running = c.operations.some((o) => o.started && !o.terminated);
      const first = running ? 'terminate' : 'start';
      return [...acts.filter((a) => a.kind === first), ...acts.filter((a) => a.kind !== first), after[0]!, after[1]!];
    }
    default:
      return after;
  }
}

/** officesFor are the offices a step may happen at, the next in line first. */
export function officesFor(c: Carnet, a: Act): Carnet['offices'] {
  if (!a.at) return [];
  const can = c.offices.filter((o) => a.at!.includes(o.role));
  if (a.kind === 'accept') return can.slice(0, 1);
  // Operations are in the order of the offices: find the one that is next.
  const done = (id: string) => c.journal.some((e) => e.office === id && (e.kind === 'start' || e.kind === 'terminate' || e.kind === 'accept'));
  return [...can.filter((o) => !done(o.id)), ...can.filter((o) => done(o.id))];
}

/** Sentences of a journal as the server writes them, in the other two languages; {0}
 * and so on stand for what varies. What matches none is somebody's own words. */
const sentences: readonly (readonly [RegExp, string, string])[] = [
  [/^(\d+) vouchers for (.+), valid until (.+)$/, '{0} 页凭单，{1}，有效期至 {2}', '{0} листков, {1}, действительна до {2}'],
  [/^seal (\S+)$/, '关封 {0}', 'пломба {0}'],
  [/^seal (\S+) intact$/, '关封 {0} 完好', 'пломба {0} цела'],
  [/^seal (\S+) broken$/, '关封 {0} 破损', 'пломба {0} нарушена'],
  [/^seal (\S+) stays$/, '关封 {0} 不变', 'пломба {0} остаётся'],
  [/^seal (\S+) found, (\S+) was set$/, '发现关封 {0}，原为 {1}', 'обнаружена пломба {0}, была {1}'],
  [/^customs seal (\S+)$/, '海关关封 {0}', 'таможенная пломба {0}'],
  [/^no seal, heavy or bulky goods$/, '重件大件，未施封', 'без пломбы: тяжёлый или громоздкий груз'],
  [/^certificate of approval (.+)$/, '批准证明书 {0}', 'свидетельство о допущении {0}'],
  [/^time limit (.+ UTC)$/, '时限 {0}', 'срок {0}'],
  [/^termination certified$/, '已证明终止', 'прекращение удостоверено'],
  [/^termination certified with reservation: (.+)$/, '附保留证明终止：{0}', 'прекращение удостоверено с оговоркой: {0}'],
  [/^after the time limit of (.+)$/, '晚于时限 {0}', 'после срока {0}'],
  [/^operation not discharged$/, '作业未核销', 'операция не завершена'],
  [/^more than a year after acceptance \(Art\. 11\)$/, '接受后逾一年（第 11 条）', 'более года после принятия (ст. 11)'],
  [/^partial unloading$/, '部分卸货', 'частичная разгрузка'],
  [/^loaded$/, '已装货', 'догружено'],
  [/^certified report (\S+)$/, '证明报告 {0}', 'протокол {0}'],
  [/^no certified report yet$/, '尚无证明报告', 'протокола ещё нет'],
  [/^the office refuses to start the operation$/, '海关拒绝开始作业', 'таможня отказывает в начале операции'],
  [/^goes with (?:shipment (\S+) on )?unit (.+)$/, '由 {1} 承运', 'перевозит {1}'],
  [/^goes with shipment (\S+)$/, '随运单 {0}', 'следует с перевозкой {0}'],
  [/^offices are now (.+)$/, '海关改为 {0}', 'таможни теперь: {0}'],
  [/^seen ([\d.]+) km from (.+)$/, '距 {1} {0} 公里', 'в {0} км от: {1}'],
  [/^seen beyond (.+), in (\w+)$/, '已过 {0}，在 {1}', 'замечено за {0}, в {1}'],
  [/^(.+) is expected (.+ UTC), the time limit is (.+ UTC)$/, '预计 {1} 到 {0}，时限 {2}', '{0}: ожидается {1}, срок {2}'],
  [/^the time limit of (.+) is at risk$/, '时限 {0} 有风险', 'срок {0} под угрозой'],
  [/^the time limit of (.+) has passed$/, '时限 {0} 已过', 'срок {0} истёк'],
  [/^(\d+) km off the itinerary$/, '偏离路线 {0} 公里', 'в {0} км от маршрута'],
  [/^back on the itinerary$/, '已回到路线', 'снова на маршруте'],
  [/^the unit is off the itinerary$/, '车辆偏离路线', 'машина вне маршрута'],
  [/^seen beyond the exit of (\w+), whose office (.+) has reported no termination$/, '已出 {0}，{1} 未报终止', 'выехало из {0}, а {1} о прекращении не сообщила'],
  [/^seen in (\w+), whose office (.+) has reported no start$/, '已在 {0}，{1} 未报开始', 'уже в {0}, а {1} о начале не сообщила'],
  [/^seen beyond the border, and no office of departure has accepted the carnet$/, '已越境，而起运地海关未接受该证', 'за границей, а книжка в месте отправления не принята'],
  [/^(.+) has reported no termination though the unit is beyond it$/, '车辆已过 {0}，其未报终止', '{0} не сообщила о прекращении, а машина уже за ней'],
  [/^no start of the operation was reported though the unit is there$/, '车辆已到，未报作业开始', 'о начале операции не сообщено, а машина уже там'],
  [/^passed without a stop at (.+)$/, '未停即过 {0}', 'проехала без остановки: {0}'],
  [/^(.+) has reported nothing since the unit was seen there$/, '车辆到达后 {0} 未报', '{0} молчит с тех пор, как там видели машину'],
  [/^the load compartment reports itself open away from every office$/, '货厢在海关之外报告开启', 'грузовой отсек открыт вдали от таможен'],
  [/^the load compartment reports itself open since (.+)$/, '货厢自 {0} 起开启', 'грузовой отсек открыт с {0}'],
  [/^open and standing for (\d+) minutes away from every office$/, '在海关之外开启停留 {0} 分钟', 'открыто и стоит {0} мин вдали от таможен'],
  [/^the electronic seal gives (\S+), customs set (\S+)$/, '电子关封为 {0}，海关所施为 {1}', 'электронная пломба: {0}, таможенная: {1}'],
  [/^the electronic seal gives (\S+)$/, '电子关封为 {0}', 'электронная пломба: {0}'],
  [/^seal (\S+) is broken and not replaced$/, '关封 {0} 破损未换', 'пломба {0} нарушена и не заменена'],
  [/^seen at (.+) (\d{4}-\d\d-\d\d .+ UTC), and no termination was reported$/, '{1} 到 {0}，未报终止', '{0}: замечено {1}, о прекращении не сообщено'],
  [/^seen at the last office (.+ UTC), and no termination was reported$/, '{0} 到末关，未报终止', 'у последней таможни с {0}, о прекращении не сообщено'],
  [/^it was not accepted while it was valid, until (.+)$/, '有效期内未启用，至 {0}', 'не принята в срок действия, до {0}'],
  [/^the (\S+) of (.+ UTC) has no certified report \(Art\. 25\)$/, '{1} 的异常缺证明报告（第 25 条）', 'нет протокола о происшествии {1} (ст. 25)'],
  [/^the authority does not discharge: the guarantee is called$/, '主管机关不予核销，要求担保', 'орган не завершает операцию: требование к гарантии'],
  [/^terminated with reservation: (.+)$/, '附保留终止：{0}', 'прекращена с оговоркой: {0}'],
];

/** sayText puts what the server wrote into the reader's language, part by part. */
export function sayText(text: string, lang: Lang): string {
  if (lang === 'en') return text;
  return text
    .split('; ')
    .map((part) => {
      for (const [form, zh, ru] of sentences) {
        const m = form.exec(part);
        if (m) return (lang === 'zh' ? zh : ru).replace(/\{(\d)\}/g, (_, i: string) => m[Number(i) + 1] ?? '');
      }
      return part;
    })
    .join(lang === 'zh' ? '；' : '; ');
}
