package io.ppiofs.node;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.FileSize;
import io.ppiofs.node.config.NodeConfig;
import org.slf4j.LoggerFactory;

/**
 * The log of a node: one file in the home, rotated by size, nothing on the terminal. Configured in code, because
 * logback's own search for files and its XML reader cost a quarter of the time to ready.
 */
final class LogSetup {
    private LogSetup() {}

    static void configure(Home home, NodeConfig config) {
        if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
            return;
        }
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.detachAndStopAllAppenders();
        root.setLevel(Level.WARN);
        root.addAppender(appender(home, config, context));
        context.getLogger("io.ppiofs").setLevel(Level.toLevel(config.get(NodeConfig.LOG_LEVEL)));
    }

    private static RollingFileAppender<ILoggingEvent> appender(Home home, NodeConfig config, LoggerContext context) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%thread] %logger{24} - %msg%n");
        encoder.start();

        RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
        appender.setContext(context);
        appender.setName("file");
        appender.setEncoder(encoder);
        appender.setFile(home.logFile().toString());

        FixedWindowRollingPolicy window = new FixedWindowRollingPolicy();
        window.setContext(context);
        window.setParent(appender);
        window.setFileNamePattern(
                home.logDirectory().resolve("ppiofs.%i.log.gz").toString());
        window.setMinIndex(1);
        window.setMaxIndex(config.get(NodeConfig.LOG_FILES));
        window.start();

        SizeBasedTriggeringPolicy<ILoggingEvent> size = new SizeBasedTriggeringPolicy<>();
        size.setContext(context);
        size.setMaxFileSize(new FileSize(config.get(NodeConfig.LOG_FILE_SIZE).bytes()));
        size.start();

        appender.setRollingPolicy(window);
        appender.setTriggeringPolicy(size);
        appender.start();
        return appender;
    }
}
