#include "radar_spoof/serve/metrics_page.h"

#include <utility>

#include "radar_spoof/publish/exposition.h"
#include "radar_spoof/publish/freshness.h"

namespace radar_spoof {

MetricsPage::MetricsPage(const SnapshotStore& store, const Clock& clock,
                         std::function<ProcessMetrics()> process)
    : store_(store), clock_(clock), process_(std::move(process)) {}

bool MetricsPage::Part::Holds(const std::shared_ptr<const Snapshot>& current, Instant now) const {
  return text && snapshot.lock() == current && now.steady < until.steady && made.wall <= now.wall &&
         now.wall < until.wall;
}

MetricsPage::Body MetricsPage::Render(ExpositionFormat format, bool gzip) const {
  const std::size_t index = (format == ExpositionFormat::kOpenMetrics ? 2U : 0U) + (gzip ? 1U : 0U);
  Variant& variant = variants_.at(index);
  const std::lock_guard lock(variant.mutex);
  const auto snapshot = store_.Load();
  const Instant now = clock_.Now();
  if (!variant.part.Holds(snapshot, now)) MakePart(variant, snapshot, now, format, gzip);
  if (now.steady >= variant.own_until) {
    variant.own = RenderProcess(process_(), format);
    if (gzip) variant.own = EndGzip(variant.part.begun, variant.own);
    variant.own_until = now.steady + kProcessMetricsAge;
  }
  return {variant.part.text, variant.own};
}

void MetricsPage::MakePart(Variant& variant, const std::shared_ptr<const Snapshot>& snapshot,
                           Instant now, ExpositionFormat format, bool gzip) const {
  variant.own_until = SteadyTime::min();
  variant.part = {};  // before the new one is made, so that there is memory for only one
  DropOutdated(snapshot, variant);
  Part part;
  part.snapshot = snapshot;
  part.made = now;
  part.until = FreshUntil(*snapshot, now);
  std::string text;
  if (gzip) {
    variant.blocks = Compressed(*snapshot, now, format, std::exchange(variant.blocks, {}));
    part.begun = BeginGzip(variant.blocks.pieces);
    text = std::exchange(part.begun.bytes, {});
  } else {
    text = RenderPolled(*snapshot, now, format);
  }
  part.text = std::make_shared<const std::string>(std::move(text));
  variant.part = std::move(part);
}

MetricsPage::Blocks MetricsPage::Compressed(const Snapshot& snapshot, Instant now,
                                            ExpositionFormat format, Blocks before) {
  Blocks blocks{QueryTable(snapshot, now), std::move(before.pieces)};
  const bool comparable =
      blocks.pieces.size() == blocks.table.blocks() + 1 && blocks.table.HasQueriesOf(before.table);
  blocks.pieces.resize(blocks.table.blocks() + 1);
  GzipCompressor compressor;
  std::string text;
  for (std::size_t block = 0; block < blocks.table.blocks(); ++block) {
    if (comparable && blocks.table.HasBlockOf(before.table, block)) continue;
    text.clear();
    blocks.table.AppendBlock(block, format, text);
    blocks.pieces[block] = compressor.Compress(text);
  }
  blocks.pieces.back() = compressor.Compress(RenderGeneral(snapshot, now, format));
  return blocks;
}

// A variant in use just now is left alone: whoever uses it brings it up to date.
void MetricsPage::DropOutdated(const std::shared_ptr<const Snapshot>& current,
                               const Variant& but) const {
  for (Variant& variant : variants_) {
    if (&variant == &but) continue;
    const std::unique_lock lock(variant.mutex, std::try_to_lock);
    if (lock && variant.part.snapshot.lock() != current) variant.part = {};
  }
}

}  // namespace radar_spoof
