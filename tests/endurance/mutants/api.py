"""The mutating API on loopback: keeps its connections, answers, and tells what it answered."""

import asyncio
import collections
import contextlib
import dataclasses
import threading
import time

from oracle.contract import ACCEPT, ASK_AGAIN, EITHER, NOTHING, Verdict
from oracle.ledger import Exchange

from .queries import Request
from .wire_mutants import plain

_MOMENT = 0.02
_DOUBT = 0.7
_LINGER = 3  # seconds for which a request is waited for on a connection that was ended
# What lay on a connection already may have been taken for the answer before the request was read
# here, so many seconds ago at most.
_HEAD_START = 5
_REFUSED = b'{"success": false, "errors": [{"code": 2001, "message": "%s"}], "result": null}'


def _read(head):
    return Request(head.split(b" ", 2)[1].decode())


class Behaviour:
    """How the API as a whole is: `names` are "taken", "refused" (400) or "ignored" (serie_N all the
    same); `path` may be "upper" (only .../SPOOF is known); everything is refused until `refused_for`
    seconds have passed."""

    def __init__(self, names="taken", path="any", refused_for=0.0):
        self.names = names
        self.path = path
        self.refused_for = refused_for


class _PatientReader(asyncio.StreamReader):
    """Hands out what was received before a connection was reset: requests must not go unnoticed."""

    def set_exception(self, exc):
        self.feed_eof()


class _Connection:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.requests = 0
        self.in_doubt = False  # more was sent on it than was asked for
        self.ended = False  # by the API, without being asked


class MutatingApi:
    """Serves in a thread of its own between `with` and its end. `record(query, exchange)` is called
    for every query that an answer is about."""

    def __init__(self, queries, recipe, record, behaviour=None, tls=None):
        self._queries = {each.key: each for each in queries}
        self._recipe = recipe
        self._record = record
        self._behaviour = behaviour or Behaviour()
        self._tls = tls
        self._numbers = collections.Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._open = 0  # connections
        self.port = None
        self.answers_from = None  # the end of the time in which everything is refused; monotonic
        self.answers = collections.Counter()  # by kind
        self.names = {}  # by which series were asked for, each with what was asked for
        self._exchanges = {}  # likewise
        self.names_of_two = []  # that were asked for twice, for different things
        self.unlabelled_on_used = 0  # requests without names on a connection that was used before
        self.sizes_when_good = []  # how many queries each request was for, since none is refused
        self.errors = []  # in this code

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def drain(self):
        """Returns when all that a client sent that is gone was read, answered and recorded."""
        asyncio.run_coroutine_threadsafe(self._drained(), self._loop).result()

    async def _drained(self):
        await asyncio.sleep(_MOMENT)  # for connections that are not accepted yet
        while self._open > 0:
            await asyncio.sleep(_MOMENT)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._stop = asyncio.Event()
        server = await self._loop.create_server(
            lambda: asyncio.StreamReaderProtocol(_PatientReader(), self._connected),
            "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        connection = _Connection(reader, writer)
        self._open += 1
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                if not await self._answer(connection, request):
                    await self._note_unanswered(connection)
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the exporter has closed it
        except asyncio.CancelledError:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(repr(error))
            raise
        finally:
            self._open -= 1
            writer.close()

    async def _note_unanswered(self, connection):
        """What is asked on an ended connection has its answer in what lay there."""
        if not connection.in_doubt:
            return
        hanging_up = self._loop.create_task(self._hang_up(connection))
        while not hanging_up.done():
            head = await connection.reader.readuntil(b"\r\n\r\n")
            self._note(_read(head).series(self._queries), time.monotonic(),
                       Verdict(NOTHING, why="on a closed connection"), "unanswered")

    async def _answer(self, connection, head):
        """Whether the connection stays open."""
        asked_at = time.monotonic()
        if not self.answers_from:
            self.answers_from = asked_at + self._behaviour.refused_for
        request = _read(head)
        used = connection.requests > 0
        connection.requests += 1
        self._note_names(request)
        labelled = bool(request.names) and self._behaviour.names == "taken"
        self.unlabelled_on_used += used and not request.names
        series = request.series(self._queries, labelled)
        if asked_at > self.answers_from:
            self.sizes_when_good.append(len(series))
        refusal = self._refusal(request, asked_at)
        if connection.ended:
            self._note(series, asked_at, Verdict(NOTHING if connection.in_doubt else ASK_AGAIN,
                                                 why="on an ended connection"), "ended")
            return False
        if refusal:
            self._note(series, asked_at, Verdict(NOTHING, why="refused"), "refused", refusal)
            connection.writer.write(plain(refusal, "400 Bad Request"))
            return True
        number = self._numbers[series[0].query]
        self._numbers[series[0].query] += 1
        spoiled = self._recipe.spoil(series, number, time.time())
        self.answers.update(spoiled.kinds)
        if request.names and not labelled:
            spoiled.verdicts = {each.query: Verdict(NOTHING, why="names ignored")
                                for each in series}
        self._note_each(series, asked_at, spoiled, connection.in_doubt)
        return await self._send(connection, spoiled.sending)

    def _note_names(self, request):
        for name, *asked in request.keys():
            if name in request.names and self.names.setdefault(name, asked) != asked:
                self.names_of_two.append(name)

    def _retract(self, name):
        """A request that comes once more, on another connection, is no other poll: the answer to
        the first did not arrive, or in part."""
        earlier = self._exchanges.get(name)
        if earlier:
            earlier.counted = False
            earlier.verdict = dataclasses.replace(earlier.verdict, kind=EITHER)

    def _refusal(self, request, now):
        behaviour = self._behaviour
        if behaviour.path == "upper" and not request.path.endswith("/SPOOF"):
            return _REFUSED % b"Invalid option for dimension."
        if request.names and behaviour.names == "refused":
            return _REFUSED % b"name: invalid value"
        if now < self.answers_from:
            return _REFUSED % b"input validation failed"
        return None

    def _note(self, series, asked_at, verdict, kind, answer=b""):
        self.answers[kind] += 1
        for each in series:
            self._record(each.query, Exchange(verdict, (kind,), asked_at, asked_at - _HEAD_START,
                                              answer))

    def _note_each(self, series, asked_at, spoiled, in_doubt):
        asked_again = any(each.kind == NOTHING for each in spoiled.verdicts.values())
        for each in series:
            verdict = spoiled.verdicts[each.query]
            kinds = tuple(spoiled.kinds)
            if in_doubt:
                kinds += ("in doubt",)  # what is read may be what lay there before
            if (in_doubt or asked_again) and verdict.kind == ACCEPT:
                verdict.kind = EITHER
            begun_at = asked_at - _HEAD_START if in_doubt else time.monotonic()
            self._retract(each.own.name)
            exchange = Exchange(verdict, kinds, asked_at, begun_at, spoiled,
                                counted=not in_doubt and len(series) == 1 and
                                "series_name" not in kinds)
            if each.own.name in self.names:
                self._exchanges[each.own.name] = exchange
            self._record(each.query, exchange)

    async def _send(self, connection, sending):
        writer = connection.writer
        for piece in sending.pieces:
            if isinstance(piece, (int, float)):
                await asyncio.sleep(piece)
            elif not connection.ended:
                writer.write(piece)
        if sending.behind:
            connection.in_doubt = True
            self._loop.create_task(self._surplus(connection, sending.behind))
        if sending.unasked is not None and not connection.in_doubt:
            self._loop.create_task(self._end_unasked(connection, *sending.unasked))
        # Where one answer may have been taken for another, the next request is on its way already.
        if sending.then == "reset" and not connection.in_doubt:
            writer.transport.abort()
        elif sending.then != "kept":
            await writer.drain()
        return sending.then == "kept"

    async def _surplus(self, connection, behind):
        """Ends the connection soon: what was sent may be half an answer, to be waited for."""
        for pause, text in behind:
            await asyncio.sleep(pause)
            if not (connection.ended or connection.writer.is_closing()):
                connection.writer.write(text)
        await asyncio.sleep(_DOUBT)
        await self._hang_up(connection)

    async def _end_unasked(self, connection, pause, last_words):
        requests = connection.requests
        await asyncio.sleep(pause)
        if connection.requests != requests or connection.writer.is_closing():
            return
        connection.writer.write(last_words)
        await self._hang_up(connection)

    @staticmethod
    async def _hang_up(connection):
        connection.ended = True
        writer = connection.writer
        half = writer.can_write_eof()  # not over TLS
        if half and not writer.is_closing():
            with contextlib.suppress(OSError):  # the exporter has closed it
                writer.write_eof()
        if half or connection.in_doubt:
            # Whatever is on its way is still read, to be told of.
            await asyncio.sleep(_LINGER)
        writer.close()
