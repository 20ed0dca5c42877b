package carnet

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"corridor/geodata"
)

// Paper is what a printed page says besides the carnet.
type Paper struct {
	Lang  string    // en, zh or ru; anything else is en
	Made  time.Time // when it was printed
	For   string    // by whom
	Unit  string    // that carries the carnet now
	Link  string    // where the page is checked; empty: no code is printed
	Wrong []Notice  // what is not in order
}

//go:embed journal.html
var journalHTML string

//go:embed check.html
var checkHTML string

// Print writes the journal as a page to print: what happened, where the unit was
// then, which record of the log says so, and the hash of each entry with what is
// needed to check it without this program.
func (c *Carnet) Print(w io.Writer, p Paper) error {
	code := template.HTML("")
	if p.Link != "" {
		var err error
		if code, err = codeOf(p.Link); err != nil {
			return fmt.Errorf("the code of %s: %w", p.Link, err)
		}
	}
	return render(w, "journal", journalHTML, p.Lang, struct {
		*Carnet
		Paper
		Code template.HTML
		Good bool
	}{c, p, code, c.Verify() == nil})
}

// PrintCheck writes what somebody sees who has checked an entry that was printed.
func (c *Carnet) PrintCheck(w io.Writer, p Paper, n int, intact bool) error {
	return render(w, "check", checkHTML, p.Lang, struct {
		*Carnet
		Paper
		Entry  Line
		More   int
		Intact bool
	}{c, p, c.Journal[n-1], len(c.Journal) - n, intact})
}

func render(w io.Writer, name, text, lang string, data any) error {
	if !slices.Contains([]string{"zh", "ru"}, lang) {
		lang = "en"
	}
	page, err := template.New(name).Funcs(template.FuncMap{
		"t":    func(key string) string { return say(lang, key) },
		"lang": func() string { return lang },
		"at": func(v any) string {
			switch t := v.(type) {
			case time.Time:
				return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
			case *time.Time:
				if t != nil {
					return t.UTC().Format("2006-01-02 15:04") + " UTC"
				}
			}
			return "–"
		},
		"point":    func(s *Evidence) string { return fmt.Sprintf("%.5f, %.5f", s.Lat, s.Lon) },
		"euro":     func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) },
		"land":     func(c geodata.Country) string { return land(lang, c) },
		"kindname": func(k Kind) string { return say(lang, "kind."+string(k)) },
		"canon":    func(l Line) string { return l.Canonical() },
		"genesis":  Genesis,
		"office": func(c *Carnet, id string) string {
			if o := c.office(id); o.ID != "" && o.Name != id {
				return o.Name + " (" + id + ")"
			}
			return id
		},
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("the template of the page: %w", err)
	}
	return page.Execute(w, data)
}

// codeOf draws a QR code, medium correction, as SVG with the quiet zone it needs.
func codeOf(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", err
	}
	const quiet = 4
	var b strings.Builder
	n := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg class="code" viewBox="0 0 %d %d" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, n, n, n, n)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil // numbers only
}

// land names the customs territories of the corridors; others go by their code.
func land(lang string, c geodata.Country) string {
	if name := say(lang, "land."+string(c)); !strings.HasPrefix(name, "land.") {
		return name + " (" + string(c) + ")"
	}
	return string(c)
}

// say finds a phrase; what has no translation is said in English, what has no
// English by its key.
func say(lang, key string) string {
	column := map[string]int{"en": 0, "zh": 1, "ru": 2}[lang]
	words := phrases()
	if p, ok := words[key]; ok {
		return p[column]
	}
	return strings.TrimPrefix(key, "kind.")
}

// Phrase says a key of the printed pages in a language.
func Phrase(lang, key string) string { return say(lang, key) }

func phrases() map[string][3]string {
	return map[string][3]string{
		"title":       {"TIR carnet journal", "TIR 证运输日志", "Журнал книжки МДП"},
		"carnet":      {"TIR carnet", "TIR 证", "Книжка МДП"},
		"holder":      {"Holder", "持证人", "Держатель"},
		"association": {"Issued by", "签发协会", "Выдана"},
		"valid":       {"Valid for acceptance until", "启用有效期至", "Действительна для принятия до"},
		"vouchers":    {"Vouchers", "凭单页数", "Отрывных листков"},
		"guarantee":   {"Guarantee", "担保额", "Гарантия"},
		"goods":       {"Goods", "货物", "Груз"},
		"vehicle":     {"Vehicle", "车辆", "Транспортное средство"},
		"approval":    {"Certificate of approval", "批准证明书", "Свидетельство о допущении"},
		"seal":        {"Seal", "关封", "Пломба"},
		"seals":       {"Seals", "关封", "Пломбы"},
		"set":         {"set", "施封", "наложена"},
		"broken":      {"broken or taken off", "破损或拆除", "нарушена или снята"},
		"on":          {"intact", "完好", "цела"},
		"stage":       {"Stage", "阶段", "Стадия"},
		"unit":        {"Carried by", "承运单元", "Перевозит"},
		"shipment":    {"Shipment", "货运", "Отправка"},
		"offices":     {"Customs offices", "海关", "Таможенные органы"},
		"operations":  {"TIR operations", "TIR 作业", "Операции МДП"},
		"country":     {"Customs territory", "关境", "Таможенная территория"},
		"started":     {"Started", "开始", "Начата"},
		"limit":       {"Time limit", "时限", "Срок"},
		"crossed":     {"Seen beyond", "越境观测", "Замечено за границей"},
		"terminated":  {"Terminated", "终止", "Прекращена"},
		"discharged":  {"Discharged", "核销", "Завершена"},
		"reservation": {"with reservation", "附保留意见", "с оговорками"},
		"exceptions":  {"Exceptions and certified reports (Art. 25)", "异常与证明报告（第 25 条）", "Происшествия и протоколы (ст. 25)"},
		"report":      {"Certified report", "证明报告", "Протокол"},
		"missing":     {"missing", "缺", "отсутствует"},
		"wrong":       {"Not in order", "异常状态", "Не в порядке"},
		"none":        {"nothing", "无", "нет"},
		"journal":     {"Journal", "日志", "Журнал"},
		"n":           {"No.", "序号", "№"},
		"time":        {"Time", "时间", "Время"},
		"what":        {"What", "事项", "Событие"},
		"where":       {"Office", "海关", "Орган"},
		"by":          {"Recorded by", "记录者", "Записал"},
		"evidence":    {"Evidence: position, device time, unit, log record", "证据：位置、设备时间、单元、日志记录", "Доказательство: координаты, время устройства, объект, запись журнала"},
		"noevidence":  {"no position within an hour", "一小时内无位置", "нет координат в пределах часа"},
		"record":      {"log record", "日志记录", "запись"},
		"hash":        {"SHA-256", "SHA-256", "SHA-256"},
		"head":        {"Hash of the last entry", "末条哈希", "Хеш последней записи"},
		"check":       {"How to check this paper", "如何核验本文件", "Как проверить этот документ"},
		"check1":      {"Each entry has a line of text, printed below it. The SHA-256 of that line, in UTF-8 and without a line break, is the hash of the entry; the line begins with the hash of the entry before. A change to one entry shows in all that follow.", "每条记录下方印有一行文本。该行文本（UTF-8，不含换行）的 SHA-256 即该条哈希；该行以前一条的哈希开头。改动任一条，其后各条都会不符。", "Под каждой записью напечатана строка. SHA-256 этой строки (UTF-8, без перевода строки) есть хеш записи; строка начинается с хеша предыдущей записи. Изменение одной записи видно во всех следующих."},
		"check2":      {"With any computer: printf %s 'LINE' | sha256sum. The first line begins with the SHA-256 of", "任何电脑均可：printf %s '该行' | sha256sum。首行以下列文本的 SHA-256 开头：", "На любом компьютере: printf %s 'СТРОКА' | sha256sum. Первая строка начинается с SHA-256 текста"},
		"check3":      {"With the code, or the hash of the last entry, the server that keeps the log tells whether the journal is its own and what has happened since.", "用二维码或末条哈希，保管日志的服务器可告知此日志是否属实及其后有何变化。", "По коду или хешу последней записи сервер, хранящий журнал, скажет, его ли это журнал и что произошло с тех пор."},
		"good":        {"The chain was checked when this page was made: every entry is as it was written.", "生成本页时已核验哈希链：各条均与写入时一致。", "При создании страницы цепочка проверена: все записи таковы, какими были сделаны."},
		"bad":         {"THE CHAIN DOES NOT VERIFY: this journal was changed after it was written.", "哈希链核验失败：此日志写入后被改动。", "ЦЕПОЧКА НЕ СХОДИТСЯ: журнал изменён после записи."},
		"made":        {"Printed", "打印时间", "Напечатано"},
		"for":         {"for", "打印者", "для"},
		"checked":     {"This entry is in the journal", "此条在日志中", "Эта запись есть в журнале"},
		"last":        {"It is the last entry: nothing has happened since.", "这是末条：此后无新记录。", "Это последняя запись: с тех пор ничего не произошло."},
		"more":        {"Entries since", "此后新增条数", "Записей с тех пор"},

		"stage.issued":     {"issued", "已签发", "выдана"},
		"stage.announced":  {"announced", "已预申报", "предварительно заявлена"},
		"stage.accepted":   {"accepted at departure", "起运地海关已接受", "принята в месте отправления"},
		"stage.in-transit": {"in transit", "过境中", "в пути"},
		"stage.terminated": {"terminated", "已终止", "прекращена"},
		"stage.discharged": {"discharged", "已核销", "завершена"},
		"stage.claimed":    {"claimed", "已索赔", "предъявлено требование"},

		"role.departure":   {"departure", "起运地", "отправления"},
		"role.exit":        {"exit", "出境", "выезда"},
		"role.entry":       {"entry", "入境", "въезда"},
		"role.destination": {"destination", "目的地", "назначения"},

		"kind.issued":           {"Issued", "签发", "Выдана"},
		"kind.bound":            {"Carried by another", "更换承运", "Смена перевозящего"},
		"kind.announce":         {"Advance data sent", "预申报", "Предварительные сведения"},
		"kind.accept":           {"Accepted and sealed", "接受并施封", "Принята и опломбирована"},
		"kind.load":             {"Loaded at a further office", "另一起运地装货", "Догрузка в другом органе"},
		"kind.start":            {"Operation started", "作业开始", "Операция начата"},
		"kind.terminate":        {"Operation terminated", "作业终止", "Операция прекращена"},
		"kind.discharge":        {"Operation discharged", "作业核销", "Операция завершена"},
		"kind.unload":           {"Partly unloaded", "部分卸货", "Частичная разгрузка"},
		"kind.seal-check":       {"Seal checked", "关封检查", "Пломба проверена"},
		"kind.reseal":           {"Sealed anew", "重新施封", "Наложена новая пломба"},
		"kind.extend":           {"Time limit extended", "时限延长", "Срок продлён"},
		"kind.report":           {"Certified report", "证明报告", "Протокол"},
		"kind.transfer":         {"Another truck takes over", "换车", "Смена тягача"},
		"kind.reroute":          {"Itinerary changed", "路线变更", "Маршрут изменён"},
		"kind.claim":            {"Not discharged: claim", "未核销：索赔", "Не завершена: требование"},
		"kind.refuse":           {"Office refuses", "海关拒绝", "Отказ органа"},
		"kind.seal-break":       {"Seal broken", "关封破损", "Пломба нарушена"},
		"kind.seal-differs":     {"Another seal found", "关封不符", "Обнаружена другая пломба"},
		"kind.accident":         {"Accident", "事故", "Авария"},
		"kind.theft":            {"Theft", "失窃", "Кража"},
		"kind.unload-elsewhere": {"Unloaded where no office is", "非海关地点卸货", "Разгрузка вне таможни"},

		"kind." + NoticeOffice:       {"Seen at the office", "到达海关", "Замечено у органа"},
		"kind." + NoticeBorder:       {"Seen beyond the border", "已越境", "Замечено за границей"},
		"kind." + NoticeExpired:      {"Not accepted while valid", "逾有效期未启用", "Не принята в срок действия"},
		"kind." + NoticeTimeRisk:     {"Time limit at risk", "时限有风险", "Срок под угрозой"},
		"kind." + NoticeTimePassed:   {"Time limit passed", "时限已过", "Срок истёк"},
		"kind." + NoticeItinerary:    {"Itinerary left", "偏离路线", "Сход с маршрута"},
		"kind." + NoticeBack:         {"Back on the itinerary", "回到路线", "Возврат на маршрут"},
		"kind." + NoticeSkipped:      {"Office skipped", "海关被跳过", "Орган пропущен"},
		"kind." + NoticeSealOpened:   {"Open away from every office", "非海关地点开启", "Вскрыто вне таможни"},
		"kind." + NoticeSealChanged:  {"Seal number differs", "关封号不符", "Номер пломбы иной"},
		"kind." + NoticeUnloading:    {"Perhaps unloading outside an office", "疑似海关外卸货", "Возможна разгрузка вне таможни"},
		"kind." + NoticeUnterminated: {"Not terminated", "未终止", "Не прекращена"},
		"kind.carnet-unsealed":       {"Not sealed", "未施封", "Не опломбировано"},
		"kind.carnet-report-missing": {"Certified report missing", "缺证明报告", "Нет протокола"},
		"kind.carnet-reservation":    {"Terminated with reservation", "附保留终止", "Прекращена с оговорками"},
		"kind.carnet-claimed":        {"Guarantee called", "已索赔担保", "Предъявлено к гарантии"},

		"land.AF": {"Afghanistan", "阿富汗", "Афганистан"}, "land.AM": {"Armenia", "亚美尼亚", "Армения"}, "land.AZ": {"Azerbaijan", "阿塞拜疆", "Азербайджан"},
		"land.BY": {"Belarus", "白俄罗斯", "Беларусь"}, "land.CN": {"China", "中国", "Китай"}, "land.EU": {"European Union", "欧盟", "Европейский союз"},
		"land.GE": {"Georgia", "格鲁吉亚", "Грузия"}, "land.IR": {"Iran", "伊朗", "Иран"}, "land.KG": {"Kyrgyzstan", "吉尔吉斯斯坦", "Кыргызстан"},
		"land.KZ": {"Kazakhstan", "哈萨克斯坦", "Казахстан"}, "land.MN": {"Mongolia", "蒙古", "Монголия"}, "land.PK": {"Pakistan", "巴基斯坦", "Пакистан"},
		"land.RU": {"Russia", "俄罗斯", "Россия"}, "land.TJ": {"Tajikistan", "塔吉克斯坦", "Таджикистан"}, "land.TM": {"Turkmenistan", "土库曼斯坦", "Туркменистан"},
		"land.TR": {"Türkiye", "土耳其", "Турция"}, "land.UA": {"Ukraine", "乌克兰", "Украина"}, "land.UZ": {"Uzbekistan", "乌兹别克斯坦", "Узбекистан"},
	}
}
