// What the server says in English, in the other two languages. Each row is the
// English with {} for a name or a number, then Chinese and Russian with {0}, {1}…
// in their place. What matches no row is shown as it came. phrases.test.ts holds
// the rows against the sources of those words.

import type { Lang } from './prefs.svelte';

type Row = readonly [en: string, zh: string, ru: string];

/** Whole sentences and lines. */
const rows: readonly Row[] = [
  // price lines
  ['Sea freight Shanghai–Rotterdam', '海运费 上海–鹿特丹', 'Морской фрахт Шанхай – Роттердам'],
  ['Sea freight Shanghai–Genoa', '海运费 上海–热那亚', 'Морской фрахт Шанхай – Генуя'],
  ['Sea freight Shanghai–Los Angeles', '海运费 上海–洛杉矶', 'Морской фрахт Шанхай – Лос-Анджелес'],
  ['Sea freight Shanghai–New York', '海运费 上海–纽约', 'Морской фрахт Шанхай – Нью-Йорк'],
  ['Sea freight Shanghai–Persian Gulf', '海运费 上海–波斯湾', 'Морской фрахт Шанхай – Персидский залив'],
  ['Sea freight Shanghai–West Japan', '海运费 上海–日本西部', 'Морской фрахт Шанхай – запад Японии'],
  ['Sea freight China–Vladivostok', '海运费 中国–符拉迪沃斯托克', 'Морской фрахт Китай – Владивосток'],
  ['Sea freight by distance', '海运费（按里程）', 'Морской фрахт по расстоянию'],
  ['Sea freight base charge', '海运基本费', 'Морской фрахт, базовая часть'],
  ['Sea freight towards East Asia', '海运费（往东亚）', 'Морской фрахт в Восточную Азию'],
  ['Surcharge for a Russian Baltic or Black Sea port', '俄罗斯波罗的海或黑海港口附加费', 'Надбавка за российский порт Балтики или Чёрного моря'],
  ['Suez Canal and war-risk surcharge', '苏伊士运河与战争险附加费', 'Надбавка за Суэц и военный риск'],
  ['Express ship surcharge', '快船附加费', 'Надбавка за быстрое судно'],
  ['Sea or rail freight of a part load', '海运或铁路拼箱运费', 'Морской или ж/д фрахт сборного груза'],
  ['Rail China–Europe through', '中欧铁路联运', 'Ж/д Китай – Европа, сквозной тариф'],
  ['Rail in the Eurasian Economic Union', '欧亚经济联盟境内铁路', 'Ж/д по ЕАЭС'],
  ['Middle Corridor against the northern route', '中间走廊相对北线', 'Средний коридор против северного'],
  ['Rail in China', '中国境内铁路', 'Ж/д по Китаю'],
  ['Rail CAREC average', '铁路（CAREC 平均）', 'Ж/д, среднее CAREC'],
  ['Rail from the Russian Far East', '俄罗斯远东铁路', 'Ж/д с Дальнего Востока'],
  ['Rail elsewhere', '其他铁路', 'Ж/д в прочих странах'],
  ['Air freight Far East–Europe', '空运费 远东–欧洲', 'Авиафрахт Дальний Восток – Европа'],
  ['Air freight China–US', '空运费 中国–美国', 'Авиафрахт Китай – США'],
  ['Air freight global average', '空运费（全球平均）', 'Авиафрахт, среднее по миру'],
  ['Air freight towards East Asia', '空运费（往东亚）', 'Авиафрахт в Восточную Азию'],
  ['Line haul under TIR', 'TIR 干线运输', 'Магистраль под TIR'],
  ['Line haul under TIR, {}', 'TIR 干线运输，{0}', 'Магистраль под TIR, {0}'],
  ['Line haul under national transit', '本国过境干线运输', 'Магистраль под национальным транзитом'],
  ['Line haul under national transit, {}', '本国过境干线运输，{0}', 'Магистраль под нац. транзитом, {0}'],
  ['Line haul under TIR in {}', 'TIR 干线运输，{0}', 'Магистраль под TIR, {0}'],
  ['Lorry in China', '中国境内货车', 'Машина по Китаю'],
  ['Lorry in Kazakhstan', '哈萨克斯坦境内货车', 'Машина по Казахстану'],
  ['Lorry in Mongolia', '蒙古境内货车', 'Машина по Монголии'],
  ['Lorry CAREC average', '货车（CAREC 平均）', 'Машина, среднее CAREC'],
  ['Lorry in Europe up to {} km', '欧洲货车，{0} 公里以内', 'Машина по Европе до {0} км'],
  ['Lorry in Europe over {} km', '欧洲货车，{0} 公里以上', 'Машина по Европе свыше {0} км'],
  ['Lorry in Europe base charge', '欧洲货车基本费', 'Машина по Европе, базовая часть'],
  ['Lorry in Europe minimum', '欧洲货车最低费', 'Машина по Европе, минимум'],
  ['Lorry elsewhere', '其他货车', 'Машина в прочих странах'],
  ['Minimum for a lorry', '货车最低费', 'Минимум за машину'],
  ['Picking and packing of an order', '拣货与包装（每单）', 'Сборка и упаковка заказа'],
  ['Clearance of a single order', '单笔订单清关', 'Оформление одного заказа'],
  ['Storage of stock', '库存仓储', 'Хранение запаса'],
  ['Delivery of a parcel in China', '国内包裹派送', 'Доставка посылки по Китаю'],
  ['Delivery of a parcel in China by weight', '国内包裹派送（按重量）', 'Доставка посылки по Китаю по весу'],
  ['Delivery of a parcel abroad', '境外包裹派送', 'Доставка посылки за рубежом'],
  ['Delivery of a parcel abroad by weight', '境外包裹派送（按重量）', 'Доставка посылки за рубежом по весу'],
  ['Road freight of a part load', '公路零担运费', 'Автоперевозка сборного груза'],
  ['TIR carnet', 'TIR 证', 'Книжка МДП'],
  ['EU T1 transit declaration', '欧盟 T1 过境申报', 'Транзитная декларация ЕС T1'],
  ['National transit declaration and guarantee', '本国过境申报与担保', 'Национальный транзит: декларация и гарантия'],
  ['Change of lorry at a border', '口岸换车', 'Смена машины на границе'],
  ['Border cost by road out of China', '中国出境公路口岸费', 'Граница на выезде из Китая'],
  ['Border cost by road', '公路口岸费', 'Граница, авто'],
  ['Border cost out of China, {}', '中国出境口岸费，{0}', 'Граница на выезде из Китая, {0}'],
  ['Border cost, {}', '口岸费，{0}', 'Граница, {0}'],
  ['Electronic queue slot in Kazakhstan', '哈萨克斯坦电子排队名额', 'Место в электронной очереди Казахстана'],
  ['Terminal handling at a rail border', '铁路口岸换装作业', 'Терминал на ж/д границе'],
  ['Change of gauge, {}', '换轨，{0}', 'Смена колеи, {0}'],
  ['Terminal handling, {}', '码头作业，{0}', 'Терминальная обработка, {0}'],
  ['Terminal handling at {}', '码头作业，{0}', 'Терминальная обработка, {0}'],
  ['Terminal handling in China', '中国码头作业', 'Терминальная обработка в Китае'],
  ['Terminal handling at a port', '港口码头作业', 'Терминальная обработка в порту'],
  ['Handling at a rail terminal', '铁路场站作业', 'Обработка на ж/д терминале'],
  ['Handling at {}', '场站作业，{0}', 'Обработка, {0}'],
  ['Caspian ferry', '里海轮渡', 'Каспийский паром'],
  ['Channel or strait ferry', '海峡轮渡', 'Паром через пролив'],
  ['Ferry, {}', '轮渡，{0}', 'Паром, {0}'],
  ['Ferry {}', '轮渡 {0}', 'Паром {0}'],
  ['Air terminal and security', '航空货站与安检', 'Авиатерминал и досмотр'],
  ['Air terminal at {}', '航空货站，{0}', 'Авиатерминал, {0}'],
  ['Customs broker', '报关行', 'Таможенный брокер'],
  ['Export declaration', '出口报关', 'Экспортная декларация'],
  ['Import declaration', '进口报关', 'Импортная декларация'],
  ['Reefer power and monitoring', '冷箱供电与监控', 'Питание и контроль рефа'],
  ['Dangerous goods surcharge', '危险品附加费', 'Надбавка за опасный груз'],
  ['Cargo insurance', '货运险', 'Страхование груза'],
  ['Inventory carrying cost', '在途资金成本', 'Стоимость запаса в пути'],
  ['Change of lorry, {}', '换车，{0}', 'Смена машины, {0}'],
  ['{}, back', '{0}（回程方向）', '{0}, обратное направление'],
  // where a price comes from
  ['assumption', '假设', 'допущение'],
  ['assumption: {}', '假设', 'допущение'],
  ['general knowledge', '行业常识', 'общеизвестно'],
  ['forwarder', '货代', 'экспедитор'],
  ['forwarder estimate', '货代估价', 'оценка экспедитора'],
  ['trade press', '行业媒体', 'отраслевая пресса'],
  // services and their rhythm
  ['Lorry with two drivers, leaves when ready', '双驾货车，装妥即发', 'Машина с двумя водителями, по готовности'],
  ['Lorries changed at borders, leave when ready', '口岸换车，装妥即发', 'Смена машин на границах, по готовности'],
  ['Lorry, leaves when ready', '货车，装妥即发', 'Машина, по готовности'],
  ['local', '境内', 'внутренний'],
  ['national transit', '本国过境', 'национальный транзит'],
  ['rail waybill', '铁路运单', 'ж/д накладная'],
  ['The same train', '同一列车', 'Тот же поезд'],
  ['Liner via the Cape', '班轮，经好望角', 'Линия вокруг мыса Доброй Надежды'],
  ['Liner via Suez', '班轮，经苏伊士', 'Линия через Суэц'],
  ['Liner via Panama', '班轮，经巴拿马', 'Линия через Панаму'],
  ['Transpacific liner', '跨太平洋班轮', 'Транстихоокеанская линия'],
  ['China–Vladivostok line', '中国–符拉迪沃斯托克航线', 'Линия Китай – Владивосток'],
  ['Express ship of {} kn', '{0} 节快船', 'Быстрое судно, {0} уз'],
  ['East China–Japan line', '华东–日本航线', 'Линия Восточный Китай – Япония'],
  ['Qingdao–Incheon ferry', '青岛–仁川轮渡', 'Паром Циндао – Инчхон'],
  ['China–St Petersburg line via the Cape', '中国–圣彼得堡航线，经好望角', 'Линия Китай – Санкт-Петербург вокруг мыса Доброй Надежды'],
  ['China–St Petersburg line via Suez', '中国–圣彼得堡航线，经苏伊士', 'Линия Китай – Санкт-Петербург через Суэц'],
  ['Liner via the Cape and feeder', '班轮经好望角转支线', 'Линия вокруг мыса Доброй Надежды и фидер'],
  ['Liner via Suez and feeder', '班轮经苏伊士转支线', 'Линия через Суэц и фидер'],
  ['Liner or feeder', '班轮或支线', 'Линейное или фидерное судно'],
  ['Qilu block train', '齐鲁号班列', 'Поезд «Цилу»'],
  ["Chang'an fixed-timetable train", '长安号全程时刻表班列', 'Поезд «Чанъань» по расписанию'],
  ['Chongqing–Moscow block train', '重庆–莫斯科班列', 'Поезд Чунцин – Москва'],
  ['Container express from the Far East', '远东集装箱快运列车', 'Контейнерный экспресс с Дальнего Востока'],
  ['China–Russia block train', '中俄班列', 'Поезд Китай – Россия'],
  ['China–Central Asia block train', '中亚班列', 'Поезд Китай – Центральная Азия'],
  ['China–Europe block train', '中欧班列', 'Поезд Китай – Европа'],
  ['Middle Corridor block train', '中间走廊班列', 'Поезд Среднего коридора'],
  ['Cao county–Qingdao port train', '曹县–青岛港班列', 'Поезд уезд Цао – порт Циндао'],
  ['China–Caucasus block train', '中国–高加索班列', 'Поезд Китай – Кавказ'],
  ['{}–{} block train', '{0}–{1}班列', 'Поезд {0} – {1}'],
  ['{}–{} line', '{0}–{1}航线', 'Линия {0} – {1}'],
  ['Block or container train', '班列或集装箱列车', 'Маршрутный или контейнерный поезд'],
  ['Freighter', '货机', 'Грузовой самолёт'],
  ['Transatlantic liner', '跨大西洋班轮', 'Трансатлантическая линия'],
  ['Mediterranean–America liner', '地中海–美洲班轮', 'Линия Средиземноморье – Америка'],
  ['Intra-Asia liner', '亚洲区内班轮', 'Внутриазиатская линия'],
  ['Asia–Gulf liner', '亚洲–海湾班轮', 'Линия Азия – Персидский залив'],
  ['Asia–India liner', '亚洲–印度班轮', 'Линия Азия – Индия'],
  ['Asia–Australia liner', '亚洲–澳大利亚班轮', 'Линия Азия – Австралия'],
  ['Asia–west coast of South America liner', '亚洲–南美西岸班轮', 'Линия Азия – запад Южной Америки'],
  ['North Europe–Mediterranean feeder', '北欧–地中海支线', 'Фидер Северная Европа – Средиземноморье'],
  ['Busan–Hakata ferry', '釜山–博多渡轮', 'Паром Пусан – Хаката'],
  ['Shanghai–Osaka ferry', '上海–大阪渡轮', 'Паром Шанхай – Осака'],
  ['Istanbul–Trieste ro-ro', '伊斯坦布尔–的里雅斯特滚装船', 'Ролкер Стамбул – Триест'],
  ['Mersin–Trieste ro-ro', '梅尔辛–的里雅斯特滚装船', 'Ролкер Мерсин – Триест'],
  ['Helsinki–Travemünde ro-ro', '赫尔辛基–特拉弗明德滚装船', 'Ролкер Хельсинки – Травемюнде'],
  ['Gothenburg–Zeebrugge ro-ro', '哥德堡–泽布吕赫滚装船', 'Ролкер Гётеборг – Зебрюгге'],
  ['Rotterdam–Humber ro-ro', '鹿特丹–亨伯滚装船', 'Ролкер Роттердам – Хамбер'],
  ['Chongqing–Europe block train', '重庆–欧洲班列', 'Поезд Чунцин – Европа'],
  ['Chengdu–Łódź block train', '成都–罗兹班列', 'Поезд Чэнду – Лодзь'],
  ['Zhengzhou–Hamburg block train', '郑州–汉堡班列', 'Поезд Чжэнчжоу – Гамбург'],
  ['Chang\'an block train', '长安号班列', 'Поезд «Чанъань»'],
  ['Yiwu–Madrid block train', '义乌–马德里班列', 'Поезд Иу – Мадрид'],
  ['Wuhan–Europe block train', '武汉–欧洲班列', 'Поезд Ухань – Европа'],
  ['China–Europe Land–Sea Express', '中欧陆海快线', 'Экспресс суша – море Китай – Европа'],
  ['Intermodal train', '多式联运班列', 'Интермодальный поезд'],
  ['Container train in China', '中国境内集装箱班列', 'Контейнерный поезд по Китаю'],
  ['Container train in India', '印度境内集装箱班列', 'Контейнерный поезд по Индии'],
  ['Container train in Central Asia', '中亚境内集装箱班列', 'Контейнерный поезд по Центральной Азии'],
  ['Transpacific freighter', '跨太平洋货机', 'Транстихоокеанский грузовой рейс'],
  ['Freighter or belly by the Gulf carriers', '海湾航空货机或腹舱', 'Грузовой рейс или багажник, авиакомпании Залива'],
  ['Transatlantic freighter or belly', '跨大西洋货机或腹舱', 'Трансатлантический грузовой рейс или багажник'],
  ['Intra-Asia freighter or belly', '亚洲区内货机或腹舱', 'Внутриазиатский грузовой рейс или багажник'],
  ['Freighter to Central Asia', '飞往中亚的货机', 'Грузовой рейс в Центральную Азию'],
  ['Freighter or belly', '货机或客机腹舱', 'Грузовой самолёт или багажник рейса'],
  ['about twice a day', '约每天两班', 'примерно дважды в день'],
  ['about daily', '约每天一班', 'примерно ежедневно'],
  ['about weekly', '约每周一班', 'примерно раз в неделю'],
  ['about {} a week', '约每周 {0} 班', 'примерно {0} в неделю'],
  ['about every {} days', '约每 {0} 天一班', 'примерно раз в {0} сут'],
  // why an option stands where it does
  ['lowest cost', '费用最低', 'дешевле всех'],
  ['fastest', '最快', 'быстрее всех'],
  ['fastest by land', '陆路最快', 'быстрее всех по земле'],
  ['least CO2e', '碳排最低', 'меньше всего CO₂e'],
  ['surest to arrive when promised', '最可能准时', 'надёжнее всех придёт в срок'],
  ['best at any value of time', '无论时间值多少都最优', 'лучший при любой цене времени'],
  ['best while a day is worth less than {} USD', '一天低于 {0} 美元时最优', 'лучший, пока сутки дешевле {0} USD'],
  ['best from {} USD a day', '一天值 {0} 美元以上时最优', 'лучший от {0} USD за сутки'],
  ['best when a day is worth {} to {} USD', '一天值 {0}–{1} 美元时最优', 'лучший при {0}–{1} USD за сутки'],
  ['best from {} USD a tonne of CO2e', '每吨碳价 {0} 美元以上时最优', 'лучший от {0} USD за тонну CO₂e'],
  ['best when a tonne of CO2e costs {} to {} USD', '每吨碳价 {0}–{1} 美元时最优', 'лучший при {0}–{1} USD за тонну CO₂e'],
  ['{} beats it throughout: {} USD less, {} days sooner', '{0} 各项更优：省 {1} 美元，快 {2} 天', '{0} лучше во всём: дешевле на {1} USD, быстрее на {2} сут'],
  ['a different way if the others fail', '其他走廊受阻时的另一选择', 'другой путь, если остальные закроются'],
  ['to arrive by {} UTC', '在 {0} UTC 前到达', 'прибыть до {0} UTC'],
  ['to arrive no later than {} hours after its own P50 arrival', '不晚于自身 P50 到达后 {0} 小时', 'не позже {0} ч после собственного P50'],
  // risks
  ['One lorry or train in ten waits longer than {} h at {}.', '十分之一的车辆或列车在{1}等待超过 {0} 小时。', 'Каждая десятая машина или поезд ждёт дольше {0} ч: {1}.'],
  ['Red Sea passages are being taken up again service by service; a ship may still go round the Cape.', '红海航线正逐步恢复；船舶仍可能绕行好望角。', 'Проход Красным морем возобновляют линия за линией; судно ещё может пойти вокруг мыса Доброй Надежды.'],
  ['Global liners kept their schedule within a day in {}% of calls (July 2026); late ships are about 5 days late.', '全球班轮准班率 {0}%（2026 年 7 月，误差一天内）；晚点船平均晚约 5 天。', 'Линии выдержали график с точностью до суток в {0} % заходов (июль 2026); опоздавшие приходят примерно на 5 сут позже.'],
  ['The load is heavier than lorries may carry without a permit on the short way at {}.', '货物超出{0}短途货车无许可的限重。', 'Груз тяжелее, чем машине можно везти без разрешения на коротком плече: {0}.'],
  ['The load changes lorry at {}.', '货物在{0}换车。', 'Груз меняет машину: {0}.'],
  ['Power for reefers on the train is to be confirmed with the operator.', '列车冷箱供电须与运营方确认。', 'Питание рефов в поезде уточняется у оператора.'],
  ['{}% of the cost rests on prices older than {} days; ask for a fresh quote.', '{0}% 的费用基于 {1} 天以前的价格；请索取新报价。', '{0} % стоимости опирается на цены старше {1} сут: запросите новую котировку.'],
  ['{} in 100 that the departure from {} on {} is missed; the next one follows later.', '100 次中有 {0} 次赶不上 {2} 自{1}的班次，须等下一班。', '{0} из 100, что отправление {2} ({1}) будет пропущено; следующее позже.'],
  ['{} in 100 that the departure from {} on {} is missed; the next one follows {} days later and costs {} USD of capital.', '100 次中有 {0} 次赶不上 {2} 自{1}的班次；下一班晚 {3} 天，占用资金成本 {4} 美元。', '{0} из 100, что отправление {2} ({1}) будет пропущено; следующее на {3} сут позже, капитал в товаре стоит за это {4} USD.'],
  ['{} in 100 that the departure from {} on {} is missed; the next one follows {} days later.', '100 次中有 {0} 次赶不上 {2} 自{1}的班次；下一班晚 {3} 天。', '{0} из 100, что отправление {2} ({1}) будет пропущено; следующее на {3} сут позже.'],
  // remarks
  ["Exports from {} to {} are under sanctions lists: check the goods' full HS code against them.", '从{0}出口到{1}受制裁清单限制：请用完整 HS 编码核对。', 'Экспорт {0} – {1} под санкционными списками: сверьте полный код ТН ВЭД.'],
  ['Parts of the way are estimated because the network has nothing there; such legs are marked.', '部分路段网络无数据，里程为估算，已标注。', 'Часть пути оценена: сети там нет; такие плечи помечены.'],
  // why a corridor is excluded
  ['The same way under TIR is sooner and cheaper.', '同一路线用 TIR 更快更省。', 'Тот же путь под TIR быстрее и дешевле.'],
  ['No sensible way by {} is known between {} and {}.', '{1}与{2}之间没有合理的{0}路线。', 'Разумного пути ({0}) между {1} и {2} не известно.'],
  ['No way by {} is known between {} and {} that others do not clearly beat.', '{1}与{2}之间的{0}路线均明显不及其他方案。', 'Путь ({0}) между {1} и {2} есть, но другие явно лучше.'],
  ['It leads through {}, which you asked to avoid.', '途经{0}，您要求避开。', 'Путь идёт через {0}, а вы просили этого избежать.'],
  ['It crosses at {}, which you asked to avoid.', '经{0}过境，您要求避开。', 'Граница {0}, которую вы просили обойти.'],
  ['It needs the passage "{}", which you asked to avoid.', '须经{0}，您要求避开。', 'Нужен проход {0}, который вы просили обойти.'],
  ['It needs the passage "{}", which is reported closed.', '须经{0}，据报已关闭。', 'Нужен проход {0}, а он, по сообщениям, закрыт.'],
  ['It goes by {}, and you asked for other modes only.', '此路线走{0}，您只要求其他方式。', 'Это {0}, а вы просили только другие виды.'],
  ['{} is reported closed.', '{0}据报已关闭。', '{0}: по сообщениям, закрыт.'],
  ['{} is closed to freight by {}.', '{0}不接收{1}货运。', '{0}: закрыт для грузов ({1}).'],
  ['The cargo may not be warmer than {} °C.', '货物温度不得高于 {0} °C。', 'Груз нельзя нагревать выше {0} °C.'],
  ['No shared container by {} is known to keep {} to {} °C.', '没有已知的{0}拼箱可保持 {1} 至 {2} °C。', 'Сборного контейнера ({0}), держащего {1}…{2} °C, не известно.'],
  ['Air cargo was asked for, and this goes by {}.', '您要求航空，此路线走{0}。', 'Запрошена авиаперевозка, а это {0}.'],
  ['A {} container does not fly.', '{0} 集装箱不能空运。', 'Контейнер {0} самолётом не возят.'],
  ['{} t fit no single container.', '{0} 吨超出单个集装箱。', '{0} т не входят в один контейнер.'],
  ['{} t are more than the {} t a freighter lifts.', '{0} 吨超过货机的 {1} 吨。', '{0} т больше, чем поднимает самолёт ({1} т).'],
  ['{} t is more than the {} t a lorry may carry in {}.', '{0} 吨超过{2}货车限重 {1} 吨。', '{0} т больше дозволенных машине {1} т: {2}.'],
  ['HS {} is barred from TIR.', 'HS {0} 禁用 TIR。', 'Код {0} не допускается под TIR.'],
  ['HS {} covers goods barred from TIR ({}); give six digits to tell.', 'HS {0} 含禁用 TIR 的货物（{1}）；请给出六位编码。', 'Код {0} включает товары, не допускаемые под TIR ({1}): укажите шесть знаков.'],
  ['{} is not party to the TIR Convention.', '{0}不是 TIR 公约缔约国。', '{0}: не участник Конвенции МДП.'],
  ['{} is party to the TIR Convention but no carnets are accepted there.', '{0}是 TIR 公约缔约国，但不接受 TIR 证。', '{0}: участник Конвенции МДП, но книжки там не принимают.'],
  ['The way leads through {} countries.', '途经 {0} 个国家。', 'Путь идёт через {0} стран.'],
  ['At about 30% of the value, EUR {} of duties and taxes would be at stake.', '按货值约 30% 计，涉及税费 {0} 欧元。', 'При 30 % стоимости под риском {0} EUR пошлин и налогов.'],
  ['No airline flies between {} and {}.', '{0}与{1}之间没有航班。', 'Между {0} и {1} никто не летает.'],
  ['HS {} may not be exported from {} to {}.', 'HS {0} 不得从{1}出口到{2}。', 'Код {0} нельзя вывозить: {1} – {2}.'],
  ['Class {} goods are not taken.', '不承运第 {0} 类货物。', 'Груз класса {0} не берут.'],
  // where rules and data come from
  ['TIR Convention, 1975 (UNECE)', '1975 年《TIR 公约》（UNECE）', 'Конвенция МДП 1975 г. (ЕЭК ООН)'],
  ['EU regulation 561/2006', '欧盟条例 561/2006', 'Регламент ЕС 561/2006'],
  ['border data, each post with its own source', '口岸数据，各口岸自有来源', 'данные о переходах, у каждого свой источник'],
  ['IATA Dangerous Goods Regulations', 'IATA 危险品规则', 'Правила ИАТА по опасным грузам'],
  ['trade press on China–Europe rail', '中欧铁路行业报道', 'отраслевая пресса о поездах Китай – Европа'],
  ['usual container and trailer tables', '常用集装箱与挂车参数表', 'обычные таблицы контейнеров и прицепов'],
  ['General Administration of Customs of China', '中国海关总署', 'Главное таможенное управление КНР'],
  ['program, with its places, posts and networks', '程序及其地点、口岸与网络', 'программа с её местами, переходами и сетями'],
  ['exchange rates', '汇率', 'курсы валют'],
  ['rates', '费率', 'ставки'],
  ['services, speeds and dwells', '班次、速度与停留', 'рейсы, скорости и стоянки'],
  ['emission factors', '排放因子', 'коэффициенты выбросов'],
  // rules
  ['UN sanctions bar nearly all trade with North Korea: no freight between other countries is planned through it.', '联合国制裁禁止与朝鲜的几乎一切贸易：他国之间的货运不经其境。', 'Санкции ООН запрещают почти всю торговлю с КНДР: грузы между другими странами через неё не планируются.'],
  ['It leads through North Korea.', '途经朝鲜。', 'Путь идёт через КНДР.'],
  ['UN Security Council resolutions 2375 and 2397 (2017)', '联合国安理会第 2375、2397 号决议（2017）', 'резолюции СБ ООН 2375 и 2397 (2017)'],
  ['A TIR carnet has 4, 6, 14 or 20 vouchers, one pair a country: at most ten countries with departure and destination, the EU counted once.', '一本 TIR 证有 4、6、14 或 20 联，每国一对：含起讫最多十国，欧盟计一次。', 'В книжке МДП 4, 6, 14 или 20 листов, по паре на страну: не больше десяти стран с отправлением и назначением, ЕС считается раз.'],
  ['Duties and taxes at stake should not exceed the guarantee, recommended at EUR 100,000 for each national association; a request may give both.', '涉及税费不应超过担保额，建议每国协会 100,000 欧元；请求可给出两者。', 'Пошлины под риском не должны превышать гарантию, рекомендованную в 100 000 EUR на ассоциацию; запрос может назвать то и другое.'],
  ['A TIR journey has at most eight customs offices of departure and destination together (since 25 June 2022).', 'TIR 运输的起运与目的地海关合计最多八个（自 2022 年 6 月 25 日起）。', 'В перевозке МДП не больше восьми таможен отправления и назначения вместе (с 25 июня 2022).'],
  ['The vehicle or container must be approved for customs seals, except for heavy or bulky goods.', '车辆或集装箱须获准加海关封志，重大件货物除外。', 'Машина или контейнер должны быть допущены под таможенные печати, кроме тяжёлых и громоздких грузов.'],
  ['One driver drives 9 hours of 24, two drive 20 of 30 (EU 561/2006); elsewhere the same pace is assumed.', '一名司机 24 小时驾驶 9 小时，两名 30 小时驾驶 20 小时（EU 561/2006）；他处按同样节奏假设。', 'Один водитель едет 9 часов из 24, двое – 20 из 30 (ЕС 561/2006); в других местах принят тот же темп.'],
  ['Between 1,435 and 1,520 mm containers change wagons or wagons change bogies: time, handling and its emissions are counted at the border.', '1,435 与 1,520 毫米之间须换车或换转向架：时间、作业与排放计入口岸。', 'Между 1435 и 1520 мм контейнеры меняют вагоны или вагоны – тележки: время, работа и выбросы учтены на границе.'],
  ['ADR: explosives and radioactive goods (classes 1 and 7) need permits by country and carrier; no reference service takes them by road.', 'ADR：爆炸品与放射性货物（第 1、7 类）须逐国逐承运人许可；参考公路服务不承运。', 'ДОПОГ: взрывчатые и радиоактивные грузы (классы 1 и 7) требуют разрешений стран и перевозчика; по дороге их не берут.'],
  ['RID and SMGS annex 2: container trains between China and Europe take no explosives, infectious or radioactive goods (classes 1, 6.2 and 7).', 'RID 与国际货协附件 2：中欧集装箱列车不承运第 1、6.2、7 类货物。', 'RID и приложение 2 к СМГС: контейнерные поезда Китай – Европа не берут классы 1, 6.2 и 7.'],
  ['IMDG Code: reference liner services take no explosives, infectious or radioactive goods (classes 1, 6.2 and 7) without a special booking.', 'IMDG 规则：参考班轮无特别订舱不承运第 1、6.2、7 类货物。', 'МКМПОГ: линии не берут классы 1, 6.2 и 7 без особой брони.'],
  ['IATA Dangerous Goods Regulations: air cargo takes no explosives (class 1) and no toxic gases (2.3) in a normal booking.', 'IATA 危险品规则：普通航空订舱不承运爆炸品（第 1 类）与有毒气体（2.3）。', 'Правила ИАТА: авиа по обычной брони не берёт взрывчатые (1) и ядовитые газы (2.3).'],
  ['Lithium batteries by themselves (UN 3480 and 3090) fly on freighters only.', '单独锂电池（UN 3480、3090）只能由货机运输。', 'Литиевые батареи отдельно (UN 3480 и 3090) летают только грузовыми рейсами.'],
  ['Lithium ion cells by themselves (UN 3480) fly charged to no more than 30 %.', '单独锂离子电池（UN 3480）空运荷电不超过 30%。', 'Литий-ионные элементы отдельно (UN 3480) летают с зарядом не выше 30 %.'],
  ['Rail China–Europe takes batteries inside consumer goods since November 2023; batteries by themselves are on trial only since November 2024.', '中欧铁路自 2023 年 11 月起承运消费品内电池；单独电池自 2024 年 11 月起仅试运。', 'Поезда Китай – Европа берут батареи внутри товаров с ноября 2023; отдельные батареи – лишь опытно с ноября 2024.'],
  ['Cross-border e-commerce imports into China (9610, 1210, 1239): at most CNY 5,000 an order and 26,000 a person and year; duty 0, VAT and consumption tax at 70 %.', '跨境电商进口（9610、1210、1239）：每单不超过 5,000 元，每人每年不超过 26,000 元；关税为 0，增值税与消费税按 70%。', 'Ввоз интернет-торговли в Китай (9610, 1210, 1239): до 5000 CNY за заказ и 26 000 на человека в год; пошлина 0, НДС и акциз по ставке 70 %.'],
  ['1210 keeps bonded stock in pilot cities, 1239 elsewhere; order, payment and logistics records must match before release.', '1210 在试点城市保税备货，1239 在其他地方；放行前订单、支付、物流三单须一致。', '1210 держит запас на таможенном складе в пилотных городах, 1239 – в других; заказ, платёж и доставка должны сойтись до выпуска.'],
  ['9810 exports in bulk to an overseas warehouse, from which orders take 2 to 5 days; 9710 exports to a business abroad; 9610 clears each order.', '9810 批量出口至海外仓，由此发货 2–5 天；9710 出口至境外企业；9610 逐单清关。', '9810 – вывоз партией на склад за рубежом, откуда заказ идёт 2–5 дней; 9710 – вывоз предприятию за рубежом; 9610 – оформление каждого заказа.'],
  ['TIR works only between and through countries that are party to the TIR Convention and run it.', 'TIR 只适用于 TIR 公约缔约且实际运行的国家。', 'TIR действует лишь между странами – участницами Конвенции МДП, где она работает.'],
  ['Spirits and tobacco of HS 2207.10, 2208, 2402.10, 2402.20, 2403.11 and 2403.19 may not travel under TIR.', 'HS 2207.10、2208、2402.10、2402.20、2403.11、2403.19 的烈酒与烟草不得使用 TIR。', 'Спирт и табак кодов 2207.10, 2208, 2402.10, 2402.20, 2403.11 и 2403.19 под TIR не возят.'],
  ['Without TIR every country on the way wants its own transit declaration and guarantee, and the load is cleared again at each border.', '不用 TIR 时，沿途各国均需单独过境申报与担保，且在每个口岸重新通关。', 'Без TIR каждая страна требует свою транзитную декларацию и гарантию, и груз оформляют заново на каждой границе.'],
  ['A lorry may not exceed the gross weight limit of any country it drives in.', '货车不得超过所经任何国家的总重限制。', 'Машина не может превышать предел массы ни одной страны на пути.'],
  ['EU hauliers may not enter Russia or Belarus nor theirs the EU: the load changes lorry or trailer at the border.', '欧盟承运人不得进入俄罗斯或白俄罗斯，反之亦然：货物须在口岸换车或换挂。', 'Перевозчики ЕС не въезжают в Россию и Белоруссию, и наоборот: груз меняет машину или прицеп на границе.'],
  ['The border post must be open to freight by the mode.', '口岸须对该方式的货运开放。', 'Переход должен быть открыт для грузов этим видом.'],
  ['A border is crossed only at a post that is known to serve the mode.', '只在已知服务该方式的口岸过境。', 'Границу проходят только там, где этот вид заведомо принимают.'],
  ['Temperature-controlled goods need powered equipment the whole way.', '温控货物全程需供电设备。', 'Груз с температурой требует питания на всём пути.'],
  ['Below -25 °C no reefer container or trailer of the reference services holds the cargo.', '低于 −25 °C 时参考服务没有可用冷箱或冷挂。', 'Ниже −25 °C груз не держит ни один реф из справочных услуг.'],
  ['There are no flights between Russia or Belarus and the EU, the UK, the US, Canada, Norway, Switzerland and Japan.', '俄罗斯、白俄罗斯与欧盟、英国、美国、加拿大、挪威、瑞士、日本之间没有航班。', 'Между Россией или Белоруссией и ЕС, Великобританией, США, Канадой, Норвегией, Швейцарией и Японией рейсов нет.'],
  ['The EU, the UK, the US, Japan, Canada, Switzerland and Norway bar listed goods from export to Russia and Belarus, transit included.', '欧盟、英国、美国、日本、加拿大、瑞士、挪威禁止清单货物出口至俄罗斯和白俄罗斯，含过境。', 'ЕС, Великобритания, США, Япония, Канада, Швейцария и Норвегия запрещают вывоз товаров по спискам в Россию и Белоруссию, включая транзит.'],
  ['The unit asked for must be one that the mode carries.', '所要求的设备须为该方式可承运。', 'Вид транспорта должен возить запрошенную единицу.'],
  ['The cargo must fit the payload and volume of the unit.', '货物须符合设备的载重与容积。', 'Груз должен входить по массе и объёму.'],
  ['A passage on the way is closed.', '途中有通道关闭。', 'Проход на пути закрыт.'],
  ['You asked to avoid it.', '您要求避开。', 'Вы просили этого избежать.'],
  ['You asked for other modes only.', '您只要求其他方式。', 'Вы просили только другие виды.'],
  ['The request names what to avoid.', '请求中写明了要避开什么。', 'Запрос называет, чего избегать.'],
  ['The request names the modes to use.', '请求中写明了可用的运输方式。', 'Запрос называет виды транспорта.'],
  ['The network must have a way and a service.', '网络中须有路线与服务。', 'В сети должны быть путь и рейс.'],
  // what is known of border posts
  ['booking mandatory via the Russian electronic queue; arrive 3 h to 10 min before the slot', '须通过俄方电子排队预约；提前 3 小时至 10 分钟到场', 'запись через российскую электронную очередь обязательна; прибыть за 3 ч – 10 мин'],
  ['booking mandatory since Sep 2023', '2023 年 9 月起须预约', 'запись обязательна с сентября 2023'],
  ['toll bridge', '收费桥', 'платный мост'],
  ['open 24 h', '全天开放', 'круглосуточно'],
  ['one lane each way on the KZ side', '哈方一侧双向各一车道', 'по одной полосе на казахской стороне'],
  ['weather closures', '因天气关闭', 'закрывают из-за погоды'],
  ['closed on Chinese weekends and holidays', '中国周末与节假日关闭', 'закрыт в китайские выходные и праздники'],
  ['closed to vehicles since Feb 2024', '2024 年 2 月起不放行车辆', 'закрыт для машин с февраля 2024'],
  ['4360 m pass; seasonal', '海拔 4360 米山口；季节性', 'перевал 4360 м; сезонный'],
  ['Kaliningrad; booking mandatory', '加里宁格勒；须预约', 'Калининград; запись обязательна'],
  ['Laos rail is 1435: no change', '老挝铁路为 1435 毫米：无需换轨', 'колея Лаоса 1435: без смены'],
  ['about {} trucks/day', '约每天 {0} 辆货车', 'около {0} машин в день'],
  ['ferry wait and crossing', '等候与航渡', 'ожидание и переправа'],
  ['mean {} h in ({})', '入境均值 {0} 小时（{1}）', 'среднее на въезде {0} ч ({1})'],
  ['mean {} h out ({})', '出境均值 {0} 小时（{1}）', 'среднее на выезде {0} ч ({1})'],
  ['queue observations {}', '{0} 年排队观测', 'наблюдения очереди {0}'],
  ['mean {} h ({})', '均值 {0} 小时（{1}）', 'среднее {0} ч ({1})'],
  ['{} TEU/day', '每天 {0} TEU', '{0} TEU в день'],
  ['about 500 km shorter than Dostyk for Central Asia', '到中亚比多斯特克短约 500 公里', 'до Центральной Азии на 500 км короче, чем Достык'],
  ['EU/EFTA/CH trucks only since Nov 2025 (trial)', '2025 年 11 月起仅限欧盟/EFTA/瑞士货车（试行）', 'с ноября 2025 только машины ЕС/ЕАСТ/Швейцарии (опыт)'],
  ['no trucks from outside EU/EFTA since Feb 2023', '2023 年 2 月起不放行欧盟/EFTA 以外的货车', 'с февраля 2023 без машин не из ЕС/ЕАСТ'],
  ['24/7 since Sep 2025; 700-750 trucks/day accepted Nov 2025', '2025 年 9 月起全天候；2025 年 11 月每天接收 700–750 辆', 'круглосуточно с сентября 2025; в ноябре 2025 – 700–750 машин в день'],
  ['07:00-19:00 from 24 Feb 2026', '2026 年 2 月 24 日起 07:00–19:00', '07:00–19:00 с 24 февраля 2026'],
  ['ferry wait and crossing; Alat at 40.0169 49.4042', '等候与航渡', 'ожидание и переправа'],
  ['regime congested Sep 2025: P50 72 P90 240', '2025 年 9 月拥堵：P50 72，P90 240', 'затор в сентябре 2025: P50 72, P90 240'],
  ['status unknown: closed for 16 months of reconstruction from a 10 July', '状态不明：自某年 7 月 10 日起关闭重建 16 个月', 'состояние неизвестно: закрыт на 16 месяцев реконструкции с 10 июля'],
];

/** Names the server uses in running text. */
const words: readonly Row[] = [
  ['ship', '船舶', 'судно'],
  ['train', '列车', 'поезд'],
  ['lorry', '货车', 'машина'],
  ['air', '航空', 'авиа'],
  ['road', '公路', 'авто'],
  ['rail', '铁路', 'ж/д'],
  ['sea', '海运', 'море'],
];

function compile(list: readonly Row[]): [RegExp, Row][] {
  return list.map((row) => {
    const source = row[0].replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\}/g, '((?:(?!\\. ).)+?)'); // a blank ends with its sentence
    return [new RegExp(`^${source}$`, 'i'), row];
  });
}

// What is said word for word wins over a pattern with blanks.
const compiled = compile([...rows].sort((a, b) => Number(a[0].includes('{}')) - Number(b[0].includes('{}'))));
const lookup = new Map(words.map((w) => [w[0], w]));

/** Name turns what stands in a blank, a place or a country code, into words. */
export type Name = (s: string) => string;

function blank(lang: 'zh' | 'ru', s: string, name: Name): string {
  if (/^[\d.,]+$/.test(s)) return lang === 'ru' ? s.replace(/,/g, '\u202f').replace('.', ',') : s;
  const w = lookup.get(s);
  if (w) return lang === 'zh' ? w[1] : w[2];
  return name(s);
}

function one(lang: 'zh' | 'ru', text: string, name: Name): string | null {
  for (const [pattern, row] of compiled) {
    const m = pattern.exec(text);
    if (!m) continue;
    const said = (lang === 'zh' ? row[1] : row[2]).replace(/\{(\d)\}/g, (_, i: string) => blank(lang, m[Number(i) + 1] ?? '', name));
    return /^[A-Z]/.test(text) ? capital(said) : said;
  }
  return null;
}

function capital(s: string): string {
  return s.charAt(0).toLocaleUpperCase() + s.slice(1);
}

/** phrase says a server's sentence, or a list of clauses or sentences, in a language. */
export function phrase(lang: Lang, text: string, name: Name = (s) => s): string {
  if (lang === 'en' || !text) return text;
  const whole = one(lang, text, name);
  if (whole !== null) return whole;
  // "Manzhouli: what is known of it."
  const about = /^([^:]+): (.+?)\.?$/.exec(text);
  if (about) {
    const said = one(lang, about[2]!, name);
    if (said !== null) return lang === 'zh' ? `${name(about[1]!)}：${said}。` : `${name(about[1]!)}: ${said}.`;
  }
  // Sentences, then clauses.
  const sentences = text.match(/[^.]+(?:\.\d[^.]*)*\.(?=\s|$)/g);
  if (sentences && sentences.length > 1 && sentences.join('').length >= text.trim().length - sentences.length) {
    const said = sentences.map((s) => one(lang, s.trim(), name));
    if (said.every((s) => s !== null)) return said.join(lang === 'zh' ? '' : ' ');
    // The reason may end inside its rule's abbreviations: try at each full stop.
    for (let i = text.indexOf('. '); i > 0; i = text.indexOf('. ', i + 1)) {
      const a = one(lang, text.slice(0, i + 1), name);
      const b = one(lang, text.slice(i + 2), name);
      if (a !== null && b !== null) return lang === 'zh' ? a + b : `${a} ${b}`;
    }
  }
  const assumed = /^(.*) \(rhythm assumed\)$/.exec(text);
  if (assumed) return `${phrase(lang, assumed[1]!, name)} ${lang === 'zh' ? '（班期为假设）' : '(частота – допущение)'}`;
  const clauses = text.split(', ');
  if (clauses.length > 1) {
    const said = clauses.map((c) => one(lang, c, name));
    if (said.some((s) => s !== null)) return capital(said.map((s, i) => s ?? clauses[i]!).join(lang === 'zh' ? '，' : ', '));
  }
  return text;
}

export const phraseRows = rows;
