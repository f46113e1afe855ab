// A TCP server on loopback that does to each connection exactly what a test says: for the ways in
// which an upstream can go wrong.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <gnutls/gnutls.h>

namespace radar_spoof::test {

class MisbehavingServer {
 public:
  class Connection;
  // Runs on a thread of the connection's own; the connection is closed when it returns.
  using Script = std::function<void(Connection&)>;

  struct Place {
    std::string address = "127.0.0.1";
    int port = 0;             // 0: a free one
    std::string certificate;  // TLS with NAME.crt and NAME.key; "": plain
  };

  // The i-th connection gets the i-th script; those after the last get the last.
  explicit MisbehavingServer(std::vector<Script> scripts);
  MisbehavingServer(std::vector<Script> scripts, const Place& place);
  explicit MisbehavingServer(Script script) : MisbehavingServer(std::vector{std::move(script)}) {}
  ~MisbehavingServer();
  MisbehavingServer(const MisbehavingServer&) = delete;
  MisbehavingServer& operator=(const MisbehavingServer&) = delete;

  int port() const { return port_; }
  std::string Url(std::string_view path = "/") const;
  // Heads read by ReadRequest(), with their blank line.
  std::vector<std::string> Requests() const;
  int Connections() const;
  // Blocks until so many requests were read, at most 10 s; false then.
  bool AwaitRequests(std::size_t count) const;

 private:
  void Accept();
  void Note(std::string head);

  const std::vector<Script> scripts_;
  gnutls_datum_t ticket_key_{nullptr, 0};
  std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>,
                  decltype(&gnutls_certificate_free_credentials)>
      credentials_;  // nullptr: plain
  int listener_;
  int stop_[2];  // a pipe whose closing ends every wait
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;     // guarded by mutex_
  std::vector<std::thread> connections_;  // guarded by mutex_
  std::thread acceptor_;
};

class MisbehavingServer::Connection {
 public:
  Connection(MisbehavingServer& server, int fd);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Before anything else when it is TLS; false when the peer does not take it.
  bool Handshake();
  // One request's head; "" when the peer closed or the server stops.
  std::string ReadRequest();
  // False when the peer is gone or the server stops. One TLS record, unless it is too long for
  // that.
  bool Send(std::string_view bytes);
  // Until the peer's kernel has taken all that was sent.
  void AwaitDelivery();
  // One byte every `interval`.
  bool Drip(std::string_view bytes, std::chrono::milliseconds interval);
  // The same bytes until the peer has enough.
  void SendForever(std::string_view bytes);
  // Until the peer closes or the server stops.
  void Stall();
  bool Pause(std::chrono::milliseconds length);
  // A TLS 1.3 session ticket more than those that follow the handshake.
  void SendTicket();
  // A TCP reset instead of an orderly end.
  void Reset();

 private:
  enum class Event { kReady, kTimeout, kStopped };
  Event Await(short events, std::chrono::milliseconds at_most);
  ssize_t Receive(char* buffer, std::size_t size);

  MisbehavingServer& server_;
  int fd_;
  gnutls_session_t session_ = nullptr;  // nullptr: plain
  std::string received_;
};

// Reads a request, sends `bytes`, closes.
MisbehavingServer::Script Reply(std::string bytes);
// One of `replies` to each request on the connection, the last one to all that follow.
MisbehavingServer::Script KeepAlive(std::vector<std::string> replies);
// Reads a request, sends `bytes`, then nothing.
MisbehavingServer::Script ReplyThenStall(std::string bytes);

// "HTTP/1.1 200 OK" with a right Content-Length.
std::string HttpReply(std::string_view body, std::string_view more_headers = "",
                      std::string_view status = "200 OK");
std::string Gzip(std::string_view plain);
// So many MiB of zero bytes, in about a thousandth of it.
std::string GzipOfZeros(std::size_t mebibytes);

}  // namespace radar_spoof::test
