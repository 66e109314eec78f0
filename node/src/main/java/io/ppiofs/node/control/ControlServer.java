package io.ppiofs.node.control;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on the control socket. One thread per connection, at most {@value #MAX_CONNECTIONS}; who connects and says
 * nothing is cut off. All threads are daemons: the answer to the last request never keeps a process alive.
 */
public final class ControlServer implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

    static final int MAX_CONNECTIONS = 64;

    private final Path socket;
    private final Handler handler;
    private final Duration patience;
    private final ServerSocketChannel listener;
    private final Semaphore free = new Semaphore(MAX_CONNECTIONS);
    private final AtomicInteger answering = new AtomicInteger();
    private final ScheduledThreadPoolExecutor clock =
            new ScheduledThreadPoolExecutor(1, r -> daemon(r, "control-clock"));

    private ControlServer(Path socket, Handler handler, Duration patience, ServerSocketChannel listener) {
        this.socket = socket;
        this.handler = handler;
        this.patience = patience;
        this.listener = listener;
        clock.setRemoveOnCancelPolicy(true);
    }

    /**
     * Binds and starts to answer. A socket file that is there already is left over from a node that died, because the
     * caller owns the home; it is replaced.
     *
     * @param patience how long a connection may stay without sending its request
     */
    public static ControlServer start(Path socket, Handler handler, Duration patience) {
        try {
            Files.deleteIfExists(socket);
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            listener.bind(UnixDomainSocketAddress.of(socket), MAX_CONNECTIONS);
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            ControlServer server = new ControlServer(socket, handler, patience, listener);
            daemon(server::accept, "control-accept").start();
            return server;
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "control", socket.toString(), "cannot be made: " + e.getMessage(), e);
        }
    }

    private static Thread daemon(Runnable body, String name) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        return thread;
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                free.acquire();
                SocketChannel channel = listener.accept();
                daemon(() -> serve(channel), "control").start();
            } catch (AsynchronousCloseException e) {
                return;
            } catch (IOException e) {
                free.release();
                LOG.warn("the control socket does not take a connection", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void serve(SocketChannel channel) {
        try (Wire wire = new Wire(channel, Wire.MAX_REQUEST)) {
            ScheduledFuture<?> cutOff =
                    clock.schedule(() -> closeQuietly(channel), patience.toMillis(), TimeUnit.MILLISECONDS);
            Connection connection = new Connection(wire);
            try {
                connection.run(cutOff);
            } finally {
                cutOff.cancel(false);
            }
        } catch (IOException | RuntimeException e) {
            LOG.debug("a control connection ended", e);
        } finally {
            free.release();
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing a silent connection", e);
        }
    }

    /** Requests without an answer yet. */
    public int answering() {
        return answering.get();
    }

    /** Stops listening and waits (up to two seconds) until running requests have their answers. */
    @Override
    public void close() throws IOException {
        listener.close();
        Files.deleteIfExists(socket);
        try {
            for (int i = 0; i < 200 && answering.get() > 0; i++) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        clock.shutdownNow();
    }

    /** One request and its answer. */
    private final class Connection implements Handler.Asker {
        private final Wire wire;
        private final AtomicBoolean answered = new AtomicBoolean();
        private final CountDownLatch gone = new CountDownLatch(1);
        private volatile @Nullable Thread watcher;

        Connection(Wire wire) {
            this.wire = wire;
        }

        void run(ScheduledFuture<?> cutOff) throws IOException {
            Map<String, @Nullable Object> answer;
            answering.incrementAndGet();
            try {
                try {
                    Map<String, @Nullable Object> message = wire.receive();
                    if (message == null) {
                        return;
                    }
                    cutOff.cancel(false);
                    answer = answer("ok", handler.handle(Request.ofMessage(message), this));
                } catch (PpiofsException e) {
                    answer = answer("error", Failure.toMessage(e));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                } catch (RuntimeException e) {
                    LOG.error("a request failed", e);
                    PpiofsException defect = new PpiofsException(
                            ErrorKind.INTERNAL, "node", "request", "a defect of ppiofs, see the log: " + e);
                    answer = answer("error", Failure.toMessage(defect));
                }
                answered.set(true);
                synchronized (this) {
                    wire.send(answer);
                }
            } finally {
                answering.decrementAndGet();
            }
            // The asker closes; a node that ends keeps the connection to its last moment, so that the asker sees it
            // end.
            if (watcher == null) {
                awaitEnd();
            } else {
                awaitGone();
            }
        }

        private void awaitGone() {
            try {
                gone.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void awaitEnd() throws IOException {
            while (wire.receive() != null) {
                // a second request on one connection is not part of the protocol and has no answer
                LOG.debug("ignored a second request");
            }
        }

        private Map<String, @Nullable Object> answer(String name, Map<String, @Nullable Object> facts) {
            Map<String, @Nullable Object> answer = new LinkedHashMap<>();
            answer.put(name, facts);
            return answer;
        }

        @Override
        public void onGone(Runnable action) {
            Thread thread = daemon(() -> watch(action), "control-watch");
            watcher = thread;
            thread.start();
        }

        private void watch(Runnable action) {
            try {
                awaitEnd();
            } catch (ClosedChannelException e) {
                LOG.debug("connection closed here");
            } catch (IOException | PpiofsException e) {
                LOG.debug("connection lost", e);
            } finally {
                gone.countDown();
            }
            if (!answered.get()) {
                action.run();
            }
        }

        @Override
        public void tell(Map<String, ?> message) {
            try {
                synchronized (this) {
                    wire.send(message);
                }
            } catch (IOException e) {
                // who went away is noticed by the watcher; who set no watcher does not care
                LOG.debug("asker is gone", e);
            }
        }

        @Override
        public void report(String task, long done, long total) {
            tell(Map.of("progress", Map.of("task", task, "done", done, "total", total)));
        }
    }
}
