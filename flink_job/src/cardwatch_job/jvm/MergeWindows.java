package dev.cardwatch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;

import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
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
 * so that an idle partition holds nothing up and a clock that runs ahead cuts nothing off. A
 * window is kept until the newest of its key is `retainMs` ahead of it; what comes later still is
 * counted and left out. `stats.py` tells what a sum is made of.
 */
public class MergeWindows extends AbstractStreamOperator
        implements OneInputStreamOperator, BoundedOneInput,
                ProcessingTimeService.ProcessingTimeCallback {

    private final String topic;
    private final long windowMs;
    private final long retainMs;
    private final long writeEveryMs;

    private transient Counter late;
    private transient MapState windows;
    private transient Map changed;
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
        this.writeEveryMs = ((Number) references[3]).longValue();
        this.setup(task, config, output);
        this.setProcessingTimeService(timeService);
    }

    public void open() throws Exception {
        super.open();
        windows =
                getRuntimeContext()
                        .getMapState(
                                new MapStateDescriptor(
                                        "windows",
                                        Types.LONG,
                                        PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
        late = getMetricGroup().counter("late_sums");
        changed = new HashMap();
        reused = new StreamRecord(null);
        scheduleWrite();
    }

    public void processElement(StreamRecord element) throws Exception {
        Row sum = (Row) element.getValue();
        Long start = (Long) sum.getField(1);
        long[] known = (long[]) windows.get(start);
        if (known == null && !makeRoom(start.longValue())) {
            late.inc();
            return;
        }
        windows.put(start, merged(known, sum));
        Object key = getCurrentKey();
        HashSet starts = (HashSet) changed.get(key);
        if (starts == null) {
            starts = new HashSet();
            changed.put(key, starts);
        }
        starts.add(start);
    }

    private static long[] merged(long[] known, Row sum) {
        long count = ((Long) sum.getField(2)).longValue();
        long total = ((Long) sum.getField(3)).longValue();
        long smallest = ((Long) sum.getField(4)).longValue();
        long largest = ((Long) sum.getField(5)).longValue();
        if (known == null) {
            return new long[] {count, total, smallest, largest};
        }
        return new long[] {
            known[0] + count,
            known[1] + total,
            Math.min(known[2], smallest),
            Math.max(known[3], largest)
        };
    }

    /** Forget what a window that begins at `start` leaves behind; false where it is itself. */
    private boolean makeRoom(long start) throws Exception {
        long newest = start;
        Iterator starts = windows.keys().iterator();
        while (starts.hasNext()) {
            newest = Math.max(newest, ((Long) starts.next()).longValue());
        }
        ArrayList outdated = new ArrayList();
        starts = windows.keys().iterator();
        while (starts.hasNext()) {
            Long other = (Long) starts.next();
            if (other.longValue() < newest - retainMs) {
                outdated.add(other);
            }
        }
        HashSet unwritten = (HashSet) changed.get(getCurrentKey());
        for (int i = 0; i < outdated.size(); i++) {
            Long other = (Long) outdated.get(i);
            if (unwritten != null && unwritten.remove(other)) {
                write(other);
            }
            windows.remove(other);
        }
        return start >= newest - retainMs;
    }

    private void writeChanged() throws Exception {
        Iterator entries = changed.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            setCurrentKey(entry.getKey());
            Iterator starts = ((HashSet) entry.getValue()).iterator();
            while (starts.hasNext()) {
                write((Long) starts.next());
            }
        }
        changed.clear();
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
        writeChanged();
        scheduleWrite();
    }

    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        writeChanged();
        super.prepareSnapshotPreBarrier(checkpointId);
    }

    public void endInput() throws Exception {
        writeChanged();
    }
}
