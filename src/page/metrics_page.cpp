#include "radar_spoof/page/metrics_page.h"

namespace radar_spoof {

MetricsPage::MetricsPage(const SnapshotStore& store, const ApiMetrics& metrics, const Clock& clock,
                         std::function<ProcessMetrics()> process)
    : store_(store), metrics_(metrics), clock_(clock), process_(std::move(process)) {}

bool MetricsPage::PageInputs::Holds(const std::shared_ptr<const Snapshot>& current,
                                    Instant now) const {
  return snapshot.lock() == current && now.steady < until.steady && made.wall <= now.wall &&
         now.wall < until.wall;
}

MetricsPage::Body MetricsPage::Render(ExpositionFormat format, bool gzip) const {
  const std::size_t index = (format == ExpositionFormat::kOpenMetrics ? 2U : 0U) + (gzip ? 1U : 0U);
  Variant& variant = variants_.at(index);
  const std::lock_guard lock(variant.mutex);
  if (const auto inputs = CurrentInputs(); variant.inputs != inputs) {
    variant.tail_until = SteadyTime::min();
    DropOtherTexts(gzip ? inputs : nullptr, variant);
    if (gzip) {
      Compress(variant, inputs, format);
    } else {
      Write(variant, inputs, format);
    }
  }
  if (const SteadyTime now = clock_.Now().steady; now >= variant.tail_until) {
    variant.tail = RenderProcess(process_(), format);
    if (gzip) variant.tail = variant.prefix->End(variant.tail);
    variant.tail_until = now + kProcessMetricsAge;
  }
  return {variant.text, variant.tail};
}

std::shared_ptr<const MetricsPage::PageInputs> MetricsPage::CurrentInputs() const {
  const std::lock_guard lock(inputs_mutex_);
  const auto snapshot = store_.Load();
  const Instant now = clock_.Now();
  if (!inputs_ || !inputs_->Holds(snapshot, now)) {
    inputs_ = std::make_shared<const PageInputs>(
        PageInputs{snapshot, now, FreshUntil(*snapshot, now), QueryTable(*snapshot, now),
                   metrics_.Collect(*snapshot, now)});
  }
  return inputs_;
}

void MetricsPage::Write(Variant& variant, const std::shared_ptr<const PageInputs>& inputs,
                        ExpositionFormat format) {
  variant.inputs.reset();
  variant.text.reset();  // before the new one is made, so that there is memory for only one
  std::string text = inputs->table.Text(format);
  text += RenderApiMetrics(*inputs->api_metrics, format);
  variant.text = std::make_shared<const std::string>(std::move(text));
  variant.inputs = inputs;
}

void MetricsPage::Compress(Variant& variant, const std::shared_ptr<const PageInputs>& inputs,
                           ExpositionFormat format) {
  const QueryTable& table = inputs->table;
  const bool comparable = variant.inputs && table.SameQueriesAs(variant.inputs->table);
  auto prefix = std::make_shared<GzipPrefix>();
  GzipCompressor compressor;
  std::string text;
  for (std::size_t block = 0; block < table.blocks(); ++block) {
    if (comparable && table.SameBlockAs(variant.inputs->table, block)) {
      prefix->Append(variant.prefix->Block(block));
      continue;
    }
    text.clear();
    table.AppendBlock(block, format, text);
    prefix->Append(compressor.Compress(text));
  }
  prefix->Append(compressor.Compress(RenderApiMetrics(*inputs->api_metrics, format)));
  variant.text = std::shared_ptr<const std::string>(prefix, &prefix->bytes());
  variant.prefix = std::move(prefix);
  variant.inputs = inputs;
}

// A variant in use just now is left alone: whoever uses it brings it up to date. A compressed page
// is small, and the next one is made from it.
void MetricsPage::DropOtherTexts(const std::shared_ptr<const PageInputs>& keep_inputs,
                                 const Variant& keep) const {
  for (Variant& variant : variants_) {
    if (&variant == &keep) continue;
    const std::unique_lock lock(variant.mutex, std::try_to_lock);
    if (!lock || variant.prefix || variant.inputs == keep_inputs) continue;
    variant.inputs.reset();
    variant.text.reset();
  }
}

}  // namespace radar_spoof
