#include "app/components.h"

namespace mpay::app {

Components::Components(std::vector<Component> list) : list_(std::move(list)) {
  for (const auto& component : list_)
    controllers_.push_back(
        std::make_unique<runtime::Controller>(component.name, *component.reconciler, component.workers));
}

void Components::start() {
  for (const auto& controller : controllers_) controller->start();
}

void Components::stop() {
  for (auto controller = controllers_.rbegin(); controller != controllers_.rend(); ++controller) (*controller)->stop();
}

void Components::changed(Change change, const api::ObjectKey& key) {
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (list_[i].wakes != change) continue;
    if (list_[i].noticed) list_[i].noticed(key);
    controllers_[i]->enqueue(key);
  }
}

void Components::enqueue(std::string_view name, const api::ObjectKey& key) {
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (list_[i].name == name) controllers_[i]->enqueue(key);
  }
}

}  // namespace mpay::app
