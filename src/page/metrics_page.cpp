#include "radar_spoof/page/metrics_page.h"

#include <utility>

#include "radar_spoof/page/exposition.h"
#include "radar_spoof/poll/freshness.h"

namespace radar_spoof {

MetricsPage::MetricsPage(const SnapshotStore& store, const Clock& clock,
                         std::function<ProcessMetrics()> process)
    : store_(store), clock_(clock), process_(std::move(process)) {}

bool MetricsPage::Moment::Holds(const std::shared_ptr<const Snapshot>& current, Instant now) const {
  return snapshot.lock() == current && now.steady < until.steady && made.wall <= now.wall &&
         now.wall < until.wall;
}

MetricsPage::Body MetricsPage::Render(ExpositionFormat format, bool gzip) const {
  const std::size_t index = (format == ExpositionFormat::kOpenMetrics ? 2U : 0U) + (gzip ? 1U : 0U);
  Variant& variant = variants_.at(index);
  const std::lock_guard lock(variant.mutex);
  const auto snapshot = store_.Load();
  if (const auto moment = CurrentMoment(snapshot); variant.moment != moment) {
    variant.own_until = SteadyTime::min();
    DropText(gzip ? moment : nullptr, variant);
    if (gzip) {
      Compress(variant, *snapshot, moment, format);
    } else {
      Write(variant, *snapshot, moment, format);
    }
  }
  if (const SteadyTime now = clock_.Now().steady; now >= variant.own_until) {
    variant.own = RenderProcess(process_(), format);
    if (gzip) variant.own = variant.begun->End(variant.own);
    variant.own_until = now + kProcessMetricsAge;
  }
  return {variant.text, variant.own};
}

std::shared_ptr<const MetricsPage::Moment> MetricsPage::CurrentMoment(
    const std::shared_ptr<const Snapshot>& snapshot) const {
  const std::lock_guard lock(moment_mutex_);
  const Instant now = clock_.Now();
  if (!moment_ || !moment_->Holds(snapshot, now)) {
    moment_ = std::make_shared<const Moment>(
        Moment{snapshot, now, FreshUntil(*snapshot, now), QueryTable(*snapshot, now)});
  }
  return moment_;
}

void MetricsPage::Write(Variant& variant, const Snapshot& snapshot,
                        const std::shared_ptr<const Moment>& moment, ExpositionFormat format) {
  variant.moment.reset();
  variant.text.reset();  // before the new one is made, so that there is memory for only one
  std::string text = moment->table.Text(format);
  text += RenderGeneral(snapshot, moment->made, format);
  variant.text = std::make_shared<const std::string>(std::move(text));
  variant.moment = moment;
}

void MetricsPage::Compress(Variant& variant, const Snapshot& snapshot,
                           const std::shared_ptr<const Moment>& moment, ExpositionFormat format) {
  const QueryTable& table = moment->table;
  const bool comparable = variant.moment && table.HasQueriesOf(variant.moment->table);
  auto begun = std::make_shared<GzipBegun>();
  GzipCompressor compressor;
  std::string text;
  for (std::size_t block = 0; block < table.blocks(); ++block) {
    if (comparable && table.HasBlockOf(variant.moment->table, block)) {
      begun->Append(variant.begun->Piece(block));
      continue;
    }
    text.clear();
    table.AppendBlock(block, format, text);
    begun->Append(compressor.Compress(text));
  }
  begun->Append(compressor.Compress(RenderGeneral(snapshot, moment->made, format)));
  variant.text = std::shared_ptr<const std::string>(begun, &begun->bytes());
  variant.begun = std::move(begun);
  variant.moment = moment;
}

// A variant in use just now is left alone: whoever uses it brings it up to date. A compressed page
// is small, and the next one is made from it.
void MetricsPage::DropText(const std::shared_ptr<const Moment>& but_of, const Variant& but) const {
  for (Variant& variant : variants_) {
    if (&variant == &but) continue;
    const std::unique_lock lock(variant.mutex, std::try_to_lock);
    if (!lock || variant.begun || variant.moment == but_of) continue;
    variant.moment.reset();
    variant.text.reset();
  }
}

}  // namespace radar_spoof
