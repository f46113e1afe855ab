// What HTTP servers and the proxies before them do to connections, and libmicrohttpd never would:
// answers sent twice, and 408 on a connection nobody asked anything on.
//
// Everything else passes through byte by byte. Expects of both sides what they do: messages whose
// length is told by Content-Length, and requests without a body.
// Thread rule: Start() and the destructor on one thread; each connection has a thread of its own.
#pragma once

#include <condition_variable>
#include <thread>

#include "radar_spoof/core/clock.h"
#include "radar_spoof/core/error.h"
#include "radar_spoof/http/http_server.h"

namespace radar_spoof::simulator {

struct ConnectionFaults {
  std::optional<Milliseconds> answer_twice = {};  // how long after the first the second is sent
  std::optional<Milliseconds> idle_408 = {};      // how long without a request before the 408

  bool Any() const { return answer_twice || idle_408; }
};

class UnrulyFront {
 public:
  // Listens on `address` for the server at 127.0.0.1:`server_port`. The error names the address and
  // the system's reason. Throws std::system_error when there is no descriptor left.
  static Result<std::unique_ptr<UnrulyFront>, std::string> Start(const ListenAddress& address,
                                                                 int server_port,
                                                                 const ConnectionFaults& faults);
  // Closes every connection and waits for their threads.
  ~UnrulyFront();
  UnrulyFront(const UnrulyFront&) = delete;
  UnrulyFront& operator=(const UnrulyFront&) = delete;

  int port() const;

 private:
  UnrulyFront(FileDescriptor listening, int server_port, const ConnectionFaults& faults);

  void Accept();
  void Serve(FileDescriptor socket) const;

  const FileDescriptor listening_;
  const FileDescriptor stop_event_;
  const int server_port_;
  const ConnectionFaults faults_;

  std::mutex mutex_;  // guards what follows
  int open_connections_ = 0;
  std::condition_variable connection_ended_;

  std::thread acceptor_;
};

}  // namespace radar_spoof::simulator
