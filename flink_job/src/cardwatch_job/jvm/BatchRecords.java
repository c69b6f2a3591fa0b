package dev.cardwatch;

import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.types.Row;

/**
 * Gathers Kafka records into batches, one open batch for each bucket of users and topic.
 *
 * <p>A record's bucket is the hash of its key up to a `/`: the user. A batch is sent when it is
 * large enough, when all together are, when a processing-time timer says so, and before every
 * checkpoint barrier, so that no record is ever kept across a checkpoint and the batches need no
 * state. Barriers, and the configs behind them, wait for what is in front of them; hence the bound
 * on all together. Records of one key keep their order. What a batch looks like is written down in
 * `batches.py`, which reads it.
 */
public class BatchRecords extends AbstractStreamOperator
        implements OneInputStreamOperator, BoundedOneInput,
                ProcessingTimeService.ProcessingTimeCallback {

    private static final long LONGEST_DELAY_MS = 200;
    private static final int MOST_OPEN_BYTES = 1024 * 1024;

    private final int buckets;
    private final long delayMs;
    private final int maxBytes;
    private final int mostOpenBytes;
    private final StringData traceparent = BinaryStringData.fromString("traceparent");

    private transient Batch[] batches;
    private transient Integer[] keys;
    private transient Batch[] open;
    private transient int openCount;
    private transient int openBytes;
    private transient long latestMs;
    private transient StreamRecord reused;

    public BatchRecords(
            Object[] references,
            StreamTask task,
            StreamConfig config,
            Output output,
            ProcessingTimeService timeService) {
        this.buckets = ((Number) references[0]).intValue();
        this.delayMs = ((Number) references[1]).longValue();
        this.maxBytes = ((Number) references[2]).intValue();
        this.mostOpenBytes = Math.max(maxBytes, MOST_OPEN_BYTES);
        this.setup(task, config, output);
        this.setProcessingTimeService(timeService);
    }

    public void open() throws Exception {
        super.open();
        batches = new Batch[buckets];
        open = new Batch[buckets];
        openCount = 0;
        latestMs = getProcessingTimeService().getCurrentProcessingTime();
        reused = new StreamRecord(null);
        keys = keysOfEveryKeyGroup();
        scheduleFlush();
    }

    /** One key for each key group, so that buckets spread evenly over the subtasks. */
    private Integer[] keysOfEveryKeyGroup() {
        Integer[] found = new Integer[buckets];
        int missing = buckets;
        for (int candidate = 0; missing > 0; candidate++) {
            Integer key = Integer.valueOf(candidate);
            int group = KeyGroupRangeAssignment.assignToKeyGroup(Row.of(new Object[] {key}), buckets);
            if (found[group] == null) {
                found[group] = key;
                missing--;
            }
        }
        return found;
    }

    public void processElement(StreamRecord element) throws Exception {
        RowData record = (RowData) element.getValue();
        byte[] key = record.isNullAt(0) ? null : record.getBinary(0);
        int bucket = bucketOf(key);
        Batch batch = batches[bucket];
        if (batch == null) {
            batch = new Batch(keys[bucket]);
            batches[bucket] = batch;
        }
        StringData topic = record.getString(2);
        if (batch.count > 0 && !topic.equals(batch.topic)) {
            send(batch);
        }
        if (!batch.listed) {
            batch.listed = true;
            open[openCount++] = batch;
        }
        latestMs = record.getTimestamp(5, 3).getMillisecond();
        int before = batch.values.length();
        batch.add(
                topic,
                key,
                record.isNullAt(1) ? null : record.getBinary(1),
                record.getInt(3),
                record.getLong(4),
                latestMs,
                record.isNullAt(6) ? null : headerOf(record.getMap(6)));
        openBytes += batch.values.length() - before;
        if (openBytes >= mostOpenBytes) {
            sendAll();
        } else if (batch.values.length() >= maxBytes) {
            send(batch);
        }
    }

    private int bucketOf(byte[] key) {
        if (key == null) {
            return 0;
        }
        int hash = 0;
        for (int i = 0; i < key.length && key[i] != '/'; i++) {
            hash = 31 * hash + key[i];
        }
        hash *= 0x9E3779B1; // the low bits of similar numbers differ too little
        return (hash >>> 16) % buckets;
    }

    private byte[] headerOf(MapData headers) {
        int size = headers.size();
        if (size == 0) {
            return null;
        }
        ArrayData names = headers.keyArray();
        for (int i = 0; i < size; i++) {
            if (!names.isNullAt(i) && traceparent.equals(names.getString(i))) {
                ArrayData values = headers.valueArray();
                return values.isNullAt(i) ? null : values.getBinary(i);
            }
        }
        return null;
    }

    private void send(Batch batch) throws Exception {
        if (batch.count > 0) {
            openBytes -= batch.values.length();
            output.collect(reused.replace(Row.of(new Object[] {batch.bucket, batch.take()})));
        }
    }

    private void sendAll() throws Exception {
        for (int i = 0; i < openCount; i++) {
            open[i].listed = false;
            send(open[i]);
            open[i] = null;
        }
        openCount = 0;
    }

    /** Larger batches cost less: what is late already waits a tenth of its age, within limits. */
    private void scheduleFlush() {
        ProcessingTimeService time = getProcessingTimeService();
        long now = time.getCurrentProcessingTime();
        long bearable = Math.min((now - latestMs) / 10, LONGEST_DELAY_MS);
        time.registerTimer(now + Math.max(delayMs, bearable), this);
    }

    public void onProcessingTime(long time) throws Exception {
        sendAll();
        scheduleFlush();
    }

    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        sendAll();
        super.prepareSnapshotPreBarrier(checkpointId);
    }

    public void endInput() throws Exception {
        sendAll();
    }

    /** The records of one bucket and topic, column by column. */
    private static class Batch {
        final Integer bucket;
        final DataOutputSerializer numbers = new DataOutputSerializer(1024);
        final DataOutputSerializer keys = new DataOutputSerializer(512);
        final DataOutputSerializer headers = new DataOutputSerializer(64);
        final DataOutputSerializer values = new DataOutputSerializer(16384);
        StringData topic;
        int count;
        boolean listed;

        Batch(Integer bucket) {
            this.bucket = bucket;
        }

        void add(
                StringData topic,
                byte[] key,
                byte[] value,
                int partition,
                long offset,
                long timestamp,
                byte[] header)
                throws Exception {
            this.topic = topic;
            count++;
            numbers.writeLong(timestamp);
            numbers.writeLong(offset);
            numbers.writeInt(partition);
            append(keys, key);
            append(headers, header);
            append(values, value);
        }

        private void append(DataOutputSerializer column, byte[] bytes) throws Exception {
            numbers.writeInt(bytes == null ? -1 : bytes.length);
            if (bytes != null) {
                column.write(bytes);
            }
        }

        byte[] take() throws Exception {
            byte[] name = topic.toBytes();
            DataOutputSerializer out =
                    new DataOutputSerializer(
                            20
                                    + name.length
                                    + numbers.length()
                                    + keys.length()
                                    + headers.length()
                                    + values.length());
            out.writeInt(count);
            out.writeInt(name.length);
            out.write(name);
            out.writeInt(keys.length());
            out.writeInt(headers.length());
            out.writeInt(values.length());
            move(numbers, out);
            move(keys, out);
            move(headers, out);
            move(values, out);
            count = 0;
            return out.getSharedBuffer();
        }

        private static void move(DataOutputSerializer from, DataOutputSerializer to)
                throws Exception {
            to.write(from.getSharedBuffer(), 0, from.length());
            from.clear();
        }
    }
}
