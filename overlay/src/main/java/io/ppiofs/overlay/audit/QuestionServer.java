package io.ppiofs.overlay.audit;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.SingleExchange;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the questions of a protocol of this package on threads of lowest priority, so that readers do not wait for verifiers. An
 * asker may have {@value #WAITING_PER_PEER} questions waiting, all together {@value #WAITING}; the next one hears BUSY. Next is always an asker of whom least is
 * being worked on, of these the one who has waited longest for his turn: however many questions others have, each has to wait for one of each of them, and nobody has two threads
 * while somebody waits for one. While answers of {@value #MOST_UNSENT} bytes have not been taken by who asked, everybody hears BUSY. Thread-safe.
 */
final class QuestionServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QuestionServer.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int WAITING = 64;
    private static final int WAITING_PER_PEER = 4;
    private static final long MOST_UNSENT = 32 << 20;

    /** For who does not mind how long a question waits. */
    static final Duration ANY = Duration.ofDays(1);

    private final Host host;
    private final ProtocolId protocol;
    private final int maxQuestion;
    private final int maxAnswer;
    private final Answers answers;

    /** Questions that have not begun, by asker, whose turn is next first; guarded by this. */
    private final Map<PeerId, Deque<Question>> queues = new LinkedHashMap<>();

    /** Questions that are being answered, by asker; guarded by this. */
    private final Map<PeerId, Integer> working = new HashMap<>();

    /** All that an asker occupies, until it has the answers; guarded by this. */
    private final Map<PeerId, Integer> waiting = new HashMap<>();

    /** Bytes of answers that are being sent; guarded by this. */
    private long unsent;

    /**
     * One that has not begun.
     *
     * @param arrived ns, of the host's clock
     */
    private record Question(PeerId asker, MessageChannel channel, byte[] message, long arrived) {}

    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final Workers workers;
    private final Duration mostWaiting;
    private final Function<byte[], @Nullable QuestionServer> others;

    /** Makes the fields of an answer from number 2 on; failures of the kinds of {@link AuditProtocol.Refusal} are told. */
    @FunctionalInterface
    interface Answers {
        CborMap.Builder answer(PeerId asker, byte[] question);
    }

    /**
     * Who carries out questions.
     *
     * @param work refuses when too many wait
     * @param end ends it
     */
    record Workers(Executor work, Runnable end) {
        /** @param count how many work at the same time */
        static Workers threads(int count) {
            ExecutorService threads = new ThreadPoolExecutor(
                    count,
                    count,
                    0,
                    TimeUnit.SECONDS,
                    new ArrayBlockingQueue<>(WAITING),
                    new DefaultThreadFactory("audit", true, Thread.MIN_PRIORITY));
            return new Workers(threads, () -> QuestionServer.end(threads));
        }
    }

    QuestionServer(Host host, ProtocolId protocol, int maxQuestion, int maxAnswer, Answers answers, Workers workers) {
        this(host, protocol, maxQuestion, maxAnswer, answers, workers, ANY, question -> null);
    }

    /**
     * @param mostWaiting what has not begun by then hears BUSY
     * @param others who answers a question instead, with threads and a queue of its own; null for this. Must be quick
     */
    QuestionServer(
            Host host,
            ProtocolId protocol,
            int maxQuestion,
            int maxAnswer,
            Answers answers,
            Workers workers,
            Duration mostWaiting,
            Function<byte[], @Nullable QuestionServer> others) {
        this.host = host;
        this.protocol = protocol;
        this.maxQuestion = maxQuestion;
        this.maxAnswer = maxAnswer;
        this.answers = answers;
        this.workers = workers;
        this.mostWaiting = mostWaiting;
        this.others = others;
    }

    private static void end(ExecutorService thread) {
        thread.shutdownNow();
        try {
            if (!thread.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("an audit has not ended in {} s", PATIENCE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Begins to answer. */
    void serve() {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2 * WAITING_PER_PEER), this::accept);
    }

    /** Questions that were answered. */
    long answered() {
        return answered.get();
    }

    /** Questions that were answered with a refusal. */
    long refused() {
        return refused.get();
    }

    /** Answers one stream of the protocol, as {@link #serve} has it done. */
    void accept(Stream stream) {
        SingleExchange.accept(host, new MessageChannel(stream, maxQuestion, maxAnswer), PATIENCE, this::pass);
    }

    private void pass(MessageChannel channel, byte[] message) {
        QuestionServer other = others.apply(message);
        (other == null ? this : other).queue(channel, message);
    }

    private void queue(MessageChannel channel, byte[] message) {
        Question question = new Question(
                channel.stream().connection().remotePeer(),
                channel,
                message,
                host.scheduler().nanoTime());
        if (!enter(question)) {
            send(channel, encoded(refusal(AuditProtocol.Refusal.BUSY, "too many questions at once")), () -> {});
            return;
        }
        try {
            workers.work().execute(this::next);
        } catch (RejectedExecutionException e) {
            Question none = withoutTask(question);
            if (none != null) {
                leave(none.asker());
                LOG.debug("no audit for {}: {}", none.asker(), e.toString());
                send(
                        none.channel(),
                        encoded(refusal(AuditProtocol.Refusal.BUSY, "too many questions are waiting")),
                        () -> {});
            }
        }
    }

    /** There is a task less than questions that wait. @return one that waits no more: this one, or if another's task has taken it, any; null for none */
    private synchronized @Nullable Question withoutTask(Question question) {
        Deque<Question> own = queues.get(question.asker());
        Question none = own != null && own.remove(question)
                ? question
                : queues.values().stream().findFirst().map(Deque::removeLast).orElse(null);
        queues.values().removeIf(Deque::isEmpty);
        return none;
    }

    /** Answers one question, of whoever it is the turn. */
    private void next() {
        PeerId asker;
        Question question;
        synchronized (this) {
            asker = queues.keySet().stream()
                    .min(Comparator.comparing(peer -> working.getOrDefault(peer, 0)))
                    .orElse(null);
            Deque<Question> queue = asker == null ? null : queues.remove(asker);
            if (asker == null || queue == null) {
                return;
            }
            question = queue.remove();
            if (!queue.isEmpty()) {
                queues.put(asker, queue); // behind all others
            }
            working.merge(asker, 1, Integer::sum);
        }
        try {
            answer(question);
        } finally {
            synchronized (this) {
                working.computeIfPresent(asker, (peer, now) -> now == 1 ? null : now - 1);
            }
        }
    }

    /** One step, so that never more wait than may. */
    private synchronized boolean enter(Question question) {
        PeerId asker = question.asker();
        int now = waiting.getOrDefault(asker, 0);
        int all = queues.values().stream().mapToInt(Deque::size).sum();
        if (now >= WAITING_PER_PEER || all >= WAITING) {
            return false;
        }
        waiting.put(asker, now + 1);
        queues.computeIfAbsent(asker, peer -> new ArrayDeque<>()).add(question);
        return true;
    }

    private synchronized void leave(PeerId asker) {
        waiting.computeIfPresent(asker, (peer, now) -> now == 1 ? null : now - 1);
    }

    private void answer(Question question) {
        PeerId asker = question.asker();
        byte[] answer;
        try {
            answer = encoded(mayBegin(question) ? answer(asker, question.message()) : late());
        } catch (Throwable e) {
            // whatever it is: who asked would be busy for ever
            LOG.error("an audit of {} got no answer", asker, e);
            leave(asker);
            question.channel().stream().reset();
            throw e;
        }
        sending(answer.length);
        send(question.channel(), answer, () -> {
            sending(-answer.length);
            leave(asker);
        });
    }

    private synchronized boolean mayBegin(Question question) {
        return unsent < MOST_UNSENT && host.scheduler().nanoTime() - question.arrived() <= mostWaiting.toNanos();
    }

    private synchronized void sending(int bytes) {
        unsent += bytes;
    }

    private CborMap late() {
        return refusal(AuditProtocol.Refusal.BUSY, "others are being answered; ask again");
    }

    private static byte[] encoded(CborMap answer) {
        return CborEncoder.encode(answer);
    }

    private CborMap answer(PeerId asker, byte[] message) {
        try {
            CborMap answer = answers.answer(asker, message).put(1, 0).build();
            answered.incrementAndGet();
            return answer;
        } catch (PpiofsException e) {
            return refusal(AuditProtocol.Refusal.of(e.kind()), e.detail());
        } catch (RuntimeException | LinkageError | InternalError e) {
            // an InternalError is a page of a mapped file that the disk does not give
            LOG.error("an audit of {} failed", asker, e);
            return refusal(AuditProtocol.Refusal.FAILED, "the operator could not do it; its log says why");
        }
    }

    private CborMap refusal(AuditProtocol.Refusal refusal, String text) {
        refused.incrementAndGet();
        String shown = text.length() > AuditProtocol.MAX_TEXT ? text.substring(0, AuditProtocol.MAX_TEXT) : text;
        return CborMap.builder()
                .put(1, refusal.ordinal() + 1)
                .put(2, new CborText(shown))
                .build();
    }

    /** @param gone runs when the asker has the answer, or does not take it in time: until then it is memory that the asker occupies */
    private void send(MessageChannel channel, byte[] answer, Runnable gone) {
        Scheduler.Timer late = host.scheduler().schedule(PATIENCE.multipliedBy(4), channel.stream()::reset);
        CompletionStage<?> sending;
        try {
            sending = channel.send(answer);
        } catch (RuntimeException e) {
            late.cancel();
            gone.run();
            channel.stream().reset();
            throw e;
        }
        sending.whenComplete((sent, failure) -> {
            late.cancel();
            gone.run();
        });
        var ignored = channel.stream().closeWrite();
    }

    /** Ends what is under way; the protocol is no longer spoken. */
    @Override
    public void close() {
        host.unhandle(protocol);
        workers.end().run();
    }
}
