#include "sparkline.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "radar_spoof/core/types.h"

namespace radar_spoof {
namespace {

// In units of the drawing; the margin keeps the strokes inside.
constexpr double kWidth = 160;
constexpr double kHeight = 36;
constexpr double kMargin = 3;

class Drawing {
 public:
  Drawing(std::span<const float> trend, float highest)
      : trend_(trend), scale_(highest > 0 ? highest : 1) {}

  // "M3.0 30.0L5.1 28.2": a piece of the line for each run without gaps.
  std::string Path() const {
    std::string path;
    for (std::size_t i = 0; i < trend_.size(); ++i) {
      if (std::isnan(trend_[i])) continue;
      const bool begins = i == 0 || std::isnan(trend_[i - 1]);
      path += fmt::format("{}{:.1f} {:.1f}", begins ? 'M' : 'L', X(i), Y(i));
      // A run of one value is a dot: the round cap of a line of no length.
      const bool alone = begins && (i + 1 == trend_.size() || std::isnan(trend_[i + 1]));
      if (alone) path += "h0";
    }
    return path;
  }
  double X(std::size_t i) const {
    const auto last = static_cast<double>(trend_.size() - 1);
    return kMargin + (kWidth - 2 * kMargin) * static_cast<double>(i) / last;
  }
  double Y(std::size_t i) const {
    return kHeight - kMargin - (kHeight - 2 * kMargin) * static_cast<double>(trend_[i] / scale_);
  }

 private:
  std::span<const float> trend_;
  float scale_;
};

}  // namespace

std::string SparklineSvg(std::span<const float> trend) {
  float lowest = 1;
  float highest = 0;
  int values = 0;
  for (const float ratio : trend) {
    if (std::isnan(ratio)) continue;
    lowest = std::min(lowest, ratio);
    highest = std::max(highest, ratio);
    ++values;
  }
  if (values < 2) return "";
  const Drawing drawing(trend, highest);
  const std::size_t last = trend.size() - 1;
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{} buckets between {} and {}, "
      "the latest {}\"><path d=\"{}\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/></svg>",
      kWidth, kHeight, values, PercentText(lowest), PercentText(highest), PercentText(trend[last]),
      drawing.Path(), drawing.X(last), drawing.Y(last));
}

}  // namespace radar_spoof
