package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.bench.BenchPlan;
import io.ppiofs.node.bench.BenchResult;
import io.ppiofs.node.bench.DirectoryBench;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

@Command(
        name = "bench",
        header = "measure a directory: big file, small files, stat",
        description = "Measures what programs get from a directory, any directory: a big file written and read, small "
                + "files written, read and looked at. Writes end with fsync. Reads may come from the page cache. What "
                + "it wrote is removed.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs bench /mnt/p -p 4")
final class BenchCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "DIR", description = "where to measure")
    private Path directory = Path.of("");

    @Option(
            names = {"-p", "--threads"},
            paramLabel = "N",
            defaultValue = "1",
            description = "at the same time; default 1")
    private int threads = 1;

    @Option(
            names = "--big-file-size",
            paramLabel = "SIZE",
            defaultValue = "1024MiB",
            converter = SizeConverter.class,
            description = "per thread; default 1024MiB, 0 leaves it out")
    private ByteSize bigFile = ByteSize.ofMebibytes(1024);

    @Option(
            names = "--block-size",
            paramLabel = "SIZE",
            defaultValue = "1MiB",
            converter = SizeConverter.class,
            description = "of one read or write of the big file; default 1MiB")
    private ByteSize block = ByteSize.ofMebibytes(1);

    @Option(
            names = "--small-files",
            paramLabel = "N",
            defaultValue = "100",
            description = "per thread; default 100, 0 leaves them out")
    private int smallFiles = 100;

    @Option(
            names = "--small-file-size",
            paramLabel = "SIZE",
            defaultValue = "128KiB",
            converter = SizeConverter.class,
            description = "each; default 128KiB")
    private ByteSize smallFile = new ByteSize(128 << 10);

    @Mixin
    private final JsonOption json = new JsonOption();

    BenchCommand(Main main) {
        this.main = main;
    }

    /** Sizes with units. A number without a unit is bytes. */
    static final class SizeConverter implements ITypeConverter<ByteSize> {
        @Override
        public ByteSize convert(String value) {
            try {
                return ByteSize.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + value + "': " + e.getMessage());
            }
        }
    }

    @Override
    public Integer call() throws InterruptedException {
        BenchPlan plan = plan();
        Progress progress = ProgressBars.on(main.surroundings());
        List<BenchResult> results;
        try {
            results = new DirectoryBench(plan, progress).run(directory);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(main.surroundings(), facts(plan, results), () -> print(plan, results));
        return 0;
    }

    private BenchPlan plan() {
        if (block.bytes() > 64 << 20 || smallFile.bytes() > 64 << 20) {
            throw new PpiofsException(ErrorKind.INVALID, "bench", "--block-size, --small-file-size", "at most 64 MiB");
        }
        try {
            return new BenchPlan(threads, bigFile.bytes(), (int) block.bytes(), smallFiles, (int) smallFile.bytes());
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "bench", "options", String.valueOf(e.getMessage()), e);
        }
    }

    private Map<String, @Nullable Object> facts(BenchPlan plan, List<BenchResult> results) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("dir", directory.toString());
        facts.put("threads", (long) plan.threads());
        facts.put("bigFileBytes", plan.bigFileBytes());
        facts.put("blockBytes", (long) plan.blockBytes());
        facts.put("smallFiles", (long) plan.smallFiles());
        facts.put("smallFileBytes", (long) plan.smallFileBytes());
        List<Object> list = new ArrayList<>();
        for (BenchResult r : results) {
            Map<String, @Nullable Object> item = new LinkedHashMap<>();
            item.put("item", r.item());
            item.put("value", r.value());
            item.put("unit", r.unit());
            item.put("cost", r.cost());
            item.put("costUnit", r.costUnit());
            list.add(item);
        }
        facts.put("results", list);
        return facts;
    }

    private void print(BenchPlan plan, List<BenchResult> results) {
        main.surroundings()
                .out()
                .println("BigFile " + ByteSize.show(plan.bigFileBytes()) + ", block " + ByteSize.show(plan.blockBytes())
                        + ", SmallFile " + plan.smallFiles() + " x " + ByteSize.show(plan.smallFileBytes())
                        + ", threads " + plan.threads());
        Table table = new Table("ITEM", "VALUE", "COST");
        for (BenchResult r : results) {
            table.row(
                    r.item(),
                    String.format(Locale.ROOT, "%.2f %s", r.value(), r.unit()),
                    String.format(Locale.ROOT, "%.2f %s", r.cost(), r.costUnit()));
        }
        table.print(main.surroundings().out());
    }
}
