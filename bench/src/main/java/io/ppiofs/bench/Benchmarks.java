package io.ppiofs.bench;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs the benchmarks in forked JVMs (which inherit this one's flags), about five seconds each, and prints a row as soon
 * as it is known. The one argument, a regular expression, picks benchmarks by name; none runs all.
 */
public final class Benchmarks {
    private static final List<Class<?>> ALL = List.of(
            CryptoBenchmark.class,
            BlockBenchmark.class,
            RangeReadBenchmark.class,
            IndexBenchmark.class,
            TreeBenchmark.class,
            JournalBenchmark.class,
            FileSystemBenchmark.class,
            TransportBenchmark.class,
            ErasureBenchmark.class,
            BlockExchangeBenchmark.class,
            LabelBenchmark.class,
            ProofBenchmark.class);

    private Benchmarks() {}

    public static void main(String[] arguments) throws RunnerException {
        String wanted = arguments.length == 0 ? "" : arguments[0];
        PrintStream out = System.out;
        out.printf(
                "# JDK %s, %d processors, AES-GCM by %s%n",
                Runtime.version(), Runtime.getRuntime().availableProcessors(), BareCrypto.providerOfBlocks());
        out.printf("%-62s %12s %10s %14s %9s%n", "ITEM", "TIME µs", "± µs", "PER SECOND", "MB/s");
        for (Class<?> benchmark : ALL) {
            if (benchmark.getSimpleName().matches(".*(" + wanted + ").*")) {
                for (RunResult result : new Runner(options(benchmark)).run()) {
                    out.println(row(result));
                }
            }
        }
    }

    private static Options options(Class<?> benchmark) {
        return new OptionsBuilder()
                .include("\\." + benchmark.getSimpleName() + "\\.")
                .forks(1)
                .jvmArgsAppend("-Xmx1500m")
                .warmupIterations(2)
                .warmupTime(TimeValue.milliseconds(700))
                .measurementIterations(4)
                .measurementTime(TimeValue.milliseconds(700))
                .verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true)
                .build();
    }

    private static String row(RunResult run) {
        Result<?> time = run.getPrimaryResult();
        BenchmarkParams params = run.getParams();
        double perSecond = params.getThreads() * 1e6 / time.getScore();
        String size = params.getParam("size");
        String rate = size == null ? "" : String.format(Locale.ROOT, "%,.0f", perSecond * Integer.parseInt(size) / 1e6);
        return String.format(
                Locale.ROOT,
                "%-62s %12.2f %10.2f %,14.0f %9s",
                name(params),
                time.getScore(),
                time.getStatistics().getStandardDeviation(),
                perSecond,
                rate);
    }

    private static String name(BenchmarkParams params) {
        String qualified = params.getBenchmark();
        String item = qualified.substring(qualified.lastIndexOf('.', qualified.lastIndexOf('.') - 1) + 1);
        return params.getParamsKeys().stream()
                .map(key -> " " + key + "=" + params.getParam(key))
                .collect(Collectors.joining("", item, ""));
    }
}
