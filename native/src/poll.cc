// Waiting for descriptors: from Node's event loop through uv_poll, or by blocking in poll(2).

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>

#include "addon.h"
#include "reader.h"

namespace {

// A watched descriptor. libuv may use the handle until its close callback has run, which can be after the JavaScript
// object is gone; so a Watch belongs to the event loop and deletes itself there. An environment that ends waits for it.
class Watch {
 public:
  // 0 and an active watch, or -errno. Takes over `fd`.
  static int64_t Start(Napi::Env env, int fd, Napi::Function callback, Watch** started) {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
      close(fd);
      return -ENOSYS;
    }
    auto* watch = new Watch(env, fd, callback);
    int status = uv_poll_init(loop, &watch->handle_, fd);
    if (status < 0) {
      watch->Forget();
      delete watch;
      return status;  // libuv's errors are negative errnos here
    }
    watch->handle_.data = watch;
    napi_add_async_cleanup_hook(env, OnEnvironmentEnd, watch, &watch->hook_);
    status = uv_poll_start(&watch->handle_, UV_READABLE, OnReadable);
    if (status < 0) {
      watch->Stop();
      return status;
    }
    *started = watch;
    return 0;
  }

  // Ends the watch and, a little later, deletes it; the owner's pointer is void from here on.
  void Stop() {
    if (owner_ != nullptr) *owner_ = nullptr;
    owner_ = nullptr;
    if (uv_is_closing(handle())) return;
    if (!calling_) Forget();
    uv_close(handle(), [](uv_handle_t* handle) {
      auto* watch = static_cast<Watch*>(handle->data);
      napi_remove_async_cleanup_hook(watch->hook_);
      delete watch;
    });
  }

  void SetOwner(Watch** owner) { owner_ = owner; }
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&handle_); }

 private:
  Watch(Napi::Env env, int fd, Napi::Function callback) : env_(env), fd_(fd) {
    napi_create_reference(env, callback, 1, &callback_);
    napi_async_init(env, nullptr, Napi::String::New(env, "probewright:poll"), &context_);
  }
  ~Watch() { close(fd_); }

  // Lets go of JavaScript, while the environment is still there; deletion may come after its end.
  void Forget() {
    napi_async_destroy(env_, context_);
    napi_delete_reference(env_, callback_);
  }

  // The plain C interface: that of C++ takes every failure for an exception to be thrown, and an environment that is
  // ending runs its event loop, and so this, when nothing can be thrown any more.
  static void OnReadable(uv_poll_t* handle, int status, int) {
    auto* watch = static_cast<Watch*>(handle->data);
    Napi::Env env = watch->env_;
    Napi::HandleScope scope(env);
    if (status < 0) uv_poll_stop(handle);
    napi_value callback = nullptr, argument = nullptr;
    napi_get_reference_value(env, watch->callback_, &callback);
    napi_create_int32(env, status, &argument);
    watch->calling_ = true;
    napi_status called =
        napi_make_callback(env, watch->context_, env.Global(), callback, 1, &argument, nullptr);
    if (called != napi_ok) Report(env, handle);
    watch->calling_ = false;
    if (uv_is_closing(watch->handle())) watch->Forget();
  }

  static void Report(napi_env env, uv_poll_t* handle) {
    bool pending = false;
    napi_value error = nullptr;
    napi_is_exception_pending(env, &pending);
    if (pending && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    } else if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(handle))) {
      uv_poll_stop(handle);  // nobody can be called any more
    }
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* watch) { static_cast<Watch*>(watch)->Stop(); }

  Napi::Env env_;
  int fd_;
  napi_ref callback_ = nullptr;
  napi_async_context context_ = nullptr;
  bool calling_ = false;
  uv_poll_t handle_{};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  Watch** owner_ = nullptr;
};

// The JavaScript object through which a Watch is stopped.
class Poller : public Napi::ObjectWrap<Poller> {
 public:
  explicit Poller(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Poller>(info) {
    Reader in(info.Env());
    if (!in.Is(info[0].IsExternal(), "a watch")) return;
    watch_ = info[0].As<Napi::External<Watch>>().Data();
    watch_->SetOwner(&watch_);
  }

  ~Poller() {
    if (watch_ != nullptr) watch_->Stop();
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Poller",
                       {InstanceMethod<&Poller::RefHandle>("ref"), InstanceMethod<&Poller::UnrefHandle>("unref"),
                        InstanceMethod<&Poller::Close>("close")});
  }

 private:
  Napi::Value RefHandle(const Napi::CallbackInfo& info) {
    if (watch_ != nullptr) uv_ref(watch_->handle());
    return info.Env().Undefined();
  }

  Napi::Value UnrefHandle(const Napi::CallbackInfo& info) {
    if (watch_ != nullptr) uv_unref(watch_->handle());
    return info.Env().Undefined();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    if (watch_ != nullptr) watch_->Stop();
    return info.Env().Undefined();
  }

  Watch* watch_ = nullptr;
};

Napi::Value PollerOpen(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  Napi::Function callback = in.Function(info[1]);
  if (in.failed()) return info.Env().Undefined();
  // A duplicate, since libuv watches a descriptor once only and must be the one to close what it watches.
  int watched = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (watched < 0) return Number(info, -errno);
  Watch* watch = nullptr;
  int64_t result = Watch::Start(info.Env(), watched, callback, &watch);
  if (result < 0) return Number(info, result);
  auto* data = info.Env().GetInstanceData<EnvironmentData>();
  return data->poller.New({Napi::External<Watch>::New(info.Env(), watch)});
}

Napi::Value PollWait(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  pollfd waited{in.Int(info[0]), POLLIN, 0};
  int timeout = in.Int(info[1]);
  if (in.failed()) return info.Env().Undefined();
  int64_t result = OrErrno(poll(&waited, 1, timeout));
  if (result > 0 && (waited.revents & POLLNVAL)) result = -EBADF;
  return Number(info, result);
}

}  // namespace

void ExportPoll(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<EnvironmentData>()->poller = Napi::Persistent(Poller::Define(env));
  Export<PollerOpen>(exports, "pollerOpen");
  Export<PollWait>(exports, "pollWait");
}
