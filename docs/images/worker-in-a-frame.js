// A page that is opened as a file may start no worker. The search of the site asks for one, and for
// `IFrameWorker` where it has to make do: here what a worker does runs in a hidden frame.
"use strict";

class FrameWorker extends EventTarget {
  constructor(script) {
    super();
    this.frame = document.createElement("iframe");
    this.frame.hidden = true;
    document.body.append(this.frame);
    const inside = this.frame.contentWindow;
    inside.postMessage = (data) => {
      const event = new MessageEvent("message", { data });
      setTimeout(() => this.dispatchEvent(event));
    };
    inside.importScripts = async (...urls) => {
      for (const url of urls) await this.load(url);
    };
    this.ready = this.load(script);
  }

  load(url) {
    const page = this.frame.contentDocument;
    return new Promise((loaded, failed) => {
      const element = page.createElement("script");
      element.onload = loaded;
      element.onerror = () => failed(new Error(`${url} cannot be loaded`));
      element.src = new URL(url, location.href).href;
      page.body.append(element);
    });
  }

  async postMessage(data) {
    await this.ready;
    this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
  }

  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = FrameWorker;
  window.Worker = FrameWorker;
}
