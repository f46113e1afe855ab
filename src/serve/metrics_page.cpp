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

MetricsPage::Part MetricsPage::Shared(ExpositionFormat format, bool gzip) const {
  const std::size_t index = (format == ExpositionFormat::kOpenMetrics ? 2U : 0U) + (gzip ? 1U : 0U);
  Variant& variant = variants_.at(index);
  const std::lock_guard lock(variant.mutex);
  const auto snapshot = store_.Load();
  const Instant now = clock_.Now();
  if (variant.part.Holds(snapshot, now)) return variant.part;
  variant.part = {};  // before the new one is made, so that there is memory for only one
  std::string text = RenderPolled(*snapshot, now, format);
  GzipBegun begun;
  if (gzip) {
    begun = BeginGzip(text);
    text = std::exchange(begun.bytes, {});
  }
  variant.part = {.snapshot = snapshot,
                  .made = now,
                  .until = FreshUntil(*snapshot, now),
                  .text = std::make_shared<const std::string>(std::move(text)),
                  .begun = std::move(begun)};
  return variant.part;
}

MetricsPage::Body MetricsPage::Render(ExpositionFormat format, bool gzip) const {
  const Part part = Shared(format, gzip);
  std::string rest = RenderProcess(process_(), format);
  if (gzip) rest = EndGzip(part.begun, rest);
  return {part.text, std::move(rest)};
}

}  // namespace radar_spoof
