#include "radar_spoof/fetch/endpoint_in_use.h"

#include <algorithm>
#include <utility>

namespace radar_spoof {
namespace {

// Without names only a connection of its own binds an answer to its request.
RequestForm WithoutNames(RequestForm form) {
  form.named = false;
  form.own_connection = true;
  return form;
}

std::optional<RequestForm> Answering(const RequestForm& last, FormProblem problem) {
  RequestForm other = last;
  switch (problem) {
    case FormProblem::kNone: return std::nullopt;
    case FormProblem::kPathNotFound: {
      auto endpoint = last.endpoint.Alternative();
      if (!endpoint) return std::nullopt;
      other.endpoint = *std::move(endpoint);
      return other;
    }
    case FormProblem::kMayBeNames:
    case FormProblem::kNamesIgnored: return WithoutNames(std::move(other));
    case FormProblem::kForeign: other.own_connection = true; return other;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RequestForm> EndpointInUse::Other(std::span<const RequestForm> tried,
                                                FormProblem problem, const std::string& query) {
  const RequestForm& last = tried.back();
  if (without_names_ == query) without_names_.reset();
  if (problem == FormProblem::kMayBeNames) {
    if (!last.named && tried.size() > 1) refused_either_way_.insert(query);
    if (without_names_ || refused_either_way_.contains(query)) return std::nullopt;
  }
  auto other = Answering(last, problem);
  if (!other || std::find(tried.begin(), tried.end(), *other) != tried.end()) return std::nullopt;
  if (problem == FormProblem::kMayBeNames) without_names_ = query;
  return other;
}

EndpointInUse::Change EndpointInUse::NoteGood(const RequestForm& form, const std::string& query) {
  refused_either_way_.erase(query);
  if (without_names_ == query) without_names_.reset();
  const Change change{.path = form.endpoint != form_.endpoint, .names = !form.named && form_.named};
  if (change.path) form_.endpoint = form.endpoint;
  if (change.names) form_ = WithoutNames(std::move(form_));
  return change;
}

}  // namespace radar_spoof
