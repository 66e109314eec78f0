package io.ppiofs.node.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.StatusFacts;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/** Serves {@code GET /metrics} on 127.0.0.1. One thread; a scrape costs one status and a walk over the registry. */
public final class MetricsServer implements Closeable {
    private final HttpServer server;
    private final ExecutorService worker;
    private final StatusFacts facts;
    private @Nullable NodeMetrics metrics;

    private MetricsServer(HttpServer server, ExecutorService worker, StatusFacts facts) {
        this.server = server;
        this.worker = worker;
        this.facts = facts;
    }

    /**
     * @param port 0 lets the system choose
     * @throws PpiofsException BUSY if the port is taken
     */
    public static MetricsServer start(int port, StatusFacts facts) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
            ExecutorService worker = Executors.newSingleThreadExecutor(r -> {
                Thread thread = new Thread(r, "metrics");
                thread.setDaemon(true);
                return thread;
            });
            MetricsServer metrics = new MetricsServer(server, worker, facts);
            server.setExecutor(worker);
            server.createContext("/", metrics::answer);
            server.start();
            return metrics;
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.BUSY,
                    "metrics",
                    "port " + port,
                    "cannot be opened (" + e.getMessage() + "); choose another with metrics.port or --metrics-port",
                    e);
        }
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!"GET".equals(exchange.getRequestMethod())) {
                exchange.sendResponseHeaders(405, -1);
            } else if (!"/metrics".equals(exchange.getRequestURI().getPath())) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                byte[] body = scrape().getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    private synchronized String scrape() {
        NodeMetrics m = metrics;
        if (m == null) {
            m = new NodeMetrics();
            metrics = m;
        }
        return m.scrape(facts.status(), facts.requestTimes());
    }

    @Override
    public synchronized void close() {
        server.stop(0);
        worker.shutdownNow();
        if (metrics != null) {
            metrics.close();
        }
    }
}
