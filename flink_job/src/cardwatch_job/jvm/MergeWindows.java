package dev.cardwatch;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;

import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.State;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.KeyedStateFunction;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;

/**
 * Merges the subtasks' partial sums of each window, keyed by what is summed up.
 *
 * <p>A window is written again, whole, a moment after it changed: nobody waits for it to be over,
 * so that an idle partition holds nothing up and a clock that runs ahead cuts nothing off. One that
 * is long past, as while a backlog is read, changes again with each partition, and is written only
 * before a checkpoint. A window is closed when the newest is `retainMs` ahead of it and it has not
 * grown for `quietMs` of processing time (while a backlog is read, partitions are far apart in
 * event time). What comes later still is counted and left out. `operators.py` tells what a sum is
 * made of.
 */
public class MergeWindows extends AbstractStreamOperator
        implements OneInputStreamOperator, BoundedOneInput,
                ProcessingTimeService.ProcessingTimeCallback, KeyedStateFunction {

    private static final int UPDATED = 4; // where a window's last change is, in processing time

    private final String topic;
    private final long windowMs;
    private final long retainMs;
    private final long quietMs;
    private final long writeEveryMs;

    private transient Counter late;
    private transient MapState windows;
    private transient Map changed;
    private transient MapStateDescriptor descriptor;
    private transient long newest;
    private transient long closedUntil;
    private transient long oldestRestored;
    private transient long sweepAt;
    private transient boolean restoring;
    private transient StreamRecord reused;

    public MergeWindows(
            Object[] references,
            StreamTask task,
            StreamConfig config,
            Output output,
            ProcessingTimeService timeService) {
        this.topic = (String) references[0];
        this.windowMs = ((Number) references[1]).longValue();
        this.retainMs = ((Number) references[2]).longValue();
        this.quietMs = ((Number) references[3]).longValue();
        this.writeEveryMs = ((Number) references[4]).longValue();
        this.setup(task, config, output);
        this.setProcessingTimeService(timeService);
    }

    public void open() throws Exception {
        super.open();
        descriptor =
                new MapStateDescriptor(
                        "windows",
                        Types.LONG,
                        PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);
        windows = getRuntimeContext().getMapState(descriptor);
        late = getMetricGroup().addGroup("cardwatch").counter("late_sums");
        changed = new HashMap();
        reused = new StreamRecord(null);
        newest = Long.MIN_VALUE;
        closedUntil = Long.MIN_VALUE;
        oldestRestored = Long.MAX_VALUE;
        restoring = true;
        forEveryKey();
        restoring = false;
        if (oldestRestored != Long.MAX_VALUE) {
            closedUntil = oldestRestored - 1;
        }
        scheduleWrite();
    }

    public void processElement(StreamRecord element) throws Exception {
        Row sum = (Row) element.getValue();
        Long start = (Long) sum.getField(1);
        long[] known = (long[]) windows.get(start);
        if (known == null && start.longValue() <= closedUntil) {
            late.inc();
            return;
        }
        newest = Math.max(newest, start.longValue());
        windows.put(start, merged(known, sum, getProcessingTimeService().getCurrentProcessingTime()));
        Object key = getCurrentKey();
        HashSet starts = (HashSet) changed.get(key);
        if (starts == null) {
            starts = new HashSet();
            changed.put(key, starts);
        }
        starts.add(start);
    }

    private static long[] merged(long[] known, Row sum, long now) {
        long count = ((Long) sum.getField(2)).longValue();
        long total = ((Long) sum.getField(3)).longValue();
        long smallest = ((Long) sum.getField(4)).longValue();
        long largest = ((Long) sum.getField(5)).longValue();
        if (known == null) {
            return new long[] {count, total, smallest, largest, now};
        }
        return new long[] {
            known[0] + count,
            known[1] + total,
            Math.min(known[2], smallest),
            Math.max(known[3], largest),
            now
        };
    }

    private void forEveryKey() throws Exception {
        getKeyedStateBackend()
                .applyToAllKeys(
                        VoidNamespace.INSTANCE,
                        VoidNamespaceSerializer.INSTANCE,
                        descriptor,
                        this);
    }

    /** Of one key: close what is quiet; after a restart note what was open. */
    public void process(Object key, State state) throws Exception {
        long quietBefore = getProcessingTimeService().getCurrentProcessingTime() - quietMs;
        Iterator entries = ((MapState) state).iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            long start = ((Long) entry.getKey()).longValue();
            if (restoring) {
                newest = Math.max(newest, start);
                oldestRestored = Math.min(oldestRestored, start);
            } else if (start < newest - retainMs
                    && ((long[]) entry.getValue())[UPDATED] < quietBefore) {
                entries.remove();
                closedUntil = Math.max(closedUntil, start);
            }
        }
    }

    /** Write the changed windows that begin at `from` or later; the others stay noted. */
    private void writeChanged(long from) throws Exception {
        Iterator entries = changed.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            setCurrentKey(entry.getKey());
            HashSet noted = (HashSet) entry.getValue();
            Iterator starts = noted.iterator();
            while (starts.hasNext()) {
                Long start = (Long) starts.next();
                if (start.longValue() >= from) {
                    write(start);
                    starts.remove();
                }
            }
            if (noted.isEmpty()) {
                entries.remove();
            }
        }
    }

    private void write(Long start) throws Exception {
        Row key = (Row) ((Row) getCurrentKey()).getField(0);
        long[] sums = (long[]) windows.get(start);
        StringBuilder names = new StringBuilder();
        names.append("{\"window_start\":").append(start.longValue());
        names.append(",\"dimension\":").append(quoted((String) key.getField(0)));
        names.append(",\"name\":").append(quoted((String) key.getField(1)));
        names.append(",\"currency\":").append(quoted((String) key.getField(2)));
        StringBuilder all = new StringBuilder(names);
        all.append(",\"window_end\":").append(start.longValue() + windowMs);
        all.append(",\"count\":").append(sums[0]);
        all.append(",\"sum_minor\":").append(sums[1]);
        all.append(",\"min_minor\":").append(sums[2]);
        all.append(",\"max_minor\":").append(sums[3]);
        all.append(",\"average_minor\":").append((double) sums[1] / sums[0]).append('}');
        names.append('}');
        Object[] record = new Object[] {topic, bytes(names), bytes(all), null};
        output.collect(reused.replace(Row.of(record)));
    }

    private static byte[] bytes(StringBuilder text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** As a JSON string. */
    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append("\\u00").append(c < 16 ? "0" : "").append(Integer.toHexString((int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private void scheduleWrite() {
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + writeEveryMs, this);
    }

    public void onProcessingTime(long time) throws Exception {
        writeChanged(time - quietMs);
        if (time >= sweepAt) {
            sweepAt = time + quietMs / 4;
            forEveryKey();
        }
        scheduleWrite();
    }

    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        writeChanged(Long.MIN_VALUE);
        super.prepareSnapshotPreBarrier(checkpointId);
    }

    public void endInput() throws Exception {
        writeChanged(Long.MIN_VALUE);
    }
}
