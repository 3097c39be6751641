// Uses the client that oapi-codegen generated, as it is: go run . URL ARCHIVE.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"os"
	"strings"

	"clients/client"
)

func main() {
	log.SetFlags(0)
	line, err := use(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(line)
}

func use(ctx context.Context, url, archive string) (string, error) {
	api, err := client.NewClientWithResponses(url)
	if err != nil {
		return "", err
	}
	job, err := submit(ctx, api, archive)
	if err != nil {
		return "", err
	}
	wait := 20
	for !job.Terminal {
		answer, err := api.GetJobWithResponse(ctx, job.Id, &client.GetJobParams{Wait: &wait})
		if err != nil || answer.JSON200 == nil {
			return "", fmt.Errorf("no job: %w %s", err, answer.Body)
		}
		job = answer.JSON200
	}
	if job.Status != client.JobStatusSucceeded {
		return "", fmt.Errorf("the job %s: %v", job.Status, job.Failure)
	}
	alpha, err := job.Metrics["alpha"].AsJobMetrics0()
	if err != nil || alpha != 0.5 {
		return "", fmt.Errorf("alpha is %v: %w", alpha, err)
	}
	logs, err := api.GetLogsWithResponse(ctx, job.Id, &client.GetLogsParams{})
	if err != nil || !strings.Contains(string(logs.Body), "trained with 0.5") {
		return "", fmt.Errorf("the log is %s: %w", logs.Body, err)
	}
	path, notes, err := modelFile(ctx, api, job.Id, "notes.txt")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s, %d bytes of log, %s is %q", job.Id, job.Status, len(logs.Body), path, notes), nil
}

func submit(ctx context.Context, api *client.ClientWithResponses, archive string) (*client.Job, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	for name, value := range map[string]string{"parameters": `{"alpha": 0.5}`, "tags": `{"client": "go"}`} {
		if err := writer.WriteField(name, value); err != nil {
			return nil, err
		}
	}
	part, err := writer.CreateFormFile("project", "code.tar.gz")
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(part, file); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	answer, err := api.SubmitJobWithBodyWithResponse(ctx, &client.SubmitJobParams{}, writer.FormDataContentType(), &form)
	if err != nil {
		return nil, err
	}
	if answer.JSON202 == nil {
		return nil, fmt.Errorf("not submitted: %s", answer.Body)
	}
	return answer.JSON202, nil
}

// modelFile downloads one file of the model and checks it against the list.
func modelFile(ctx context.Context, api *client.ClientWithResponses, id, name string) (string, []byte, error) {
	files, err := api.ListModelFilesWithResponse(ctx, id, &client.ListModelFilesParams{})
	if err != nil || files.JSON200 == nil {
		return "", nil, fmt.Errorf("no files: %w", err)
	}
	for _, listed := range files.JSON200.Items {
		if !strings.HasSuffix(listed.Path, name) {
			continue
		}
		file, err := api.GetModelFileWithResponse(ctx, id, listed.Path, &client.GetModelFileParams{})
		if err != nil {
			return "", nil, err
		}
		if sum := sha256.Sum256(file.Body); hex.EncodeToString(sum[:]) != listed.Sha256 {
			return "", nil, fmt.Errorf("%s is not what is listed", listed.Path)
		}
		return listed.Path, file.Body, nil
	}
	return "", nil, fmt.Errorf("no %s is listed", name)
}
